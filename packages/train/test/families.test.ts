import { type Decoder, decoderOf } from "@postgrad/model";
import { random } from "@postgrad/schema";
import { describe, expect, test } from "vitest";

import {
  type BatchFacts,
  chooseLoss,
  GradientSum,
  type Layout,
  oneTextARow,
  packed,
  prefixesUnder,
  Stepper,
  type Text,
} from "../src/index.ts";
import { smallConfigs, smallWeights, text } from "./small.ts";

const texts = [
  text([5, 9, 2, 33], [7, 8, 3]),
  text([11, 4], [6, 6, 1, 20, 3]),
  text([30], [12, 3]),
  text([8, 8, 15, 2, 9, 21], [9, 10, 3]),
];

/** Layer 0 reads everything, layer 1 the prompt and the first two generated tokens. */
const schedule = { prompt: [0, 1], layersAt: (index: number) => (index < 2 ? [0, 1] : [0]) };

interface Way {
  readonly layout: (texts: readonly Text[]) => Layout;
  readonly facts: Pick<BatchFacts, "packed" | "prefixOf">;
}

const ways: Record<string, Way> = {
  "one text a row": { layout: oneTextARow, facts: { packed: false } },
  packed: { layout: (all) => packed(all, 12), facts: { packed: true } },
  "under a depth schedule": {
    layout: oneTextARow,
    facts: { packed: false, prefixOf: prefixesUnder(schedule, 2) },
  },
};

async function gradientOf(stepper: Stepper, way: Way): Promise<{ loss: number; sum: GradientSum }> {
  const sum = new GradientSum();
  const facts = { ...way.facts, rowWeight: 1 / texts.length, meanLength: 13 / texts.length };
  const { loss } = await stepper.step(way.layout(texts), facts, sum);
  return { loss, sum };
}

const stepperOf = (decoder: Decoder, weights: Map<string, Float32Array>): Stepper =>
  new Stepper(decoder, weights, { threads: 1, loss: chooseLoss("sft") });

describe.each(Object.entries(smallConfigs))("%s", (_name, config) => {
  const decoder = decoderOf(config);

  test.each(Object.entries(ways))(
    "%s: the gradient is the slope along directions",
    async (_way, way) => {
      const weights = smallWeights(decoder);
      await using stepper = stepperOf(decoder, weights);
      const { sum } = await gradientOf(stepper, way);
      expect([...sum.entries.keys()].toSorted()).toEqual([...decoder.tensors.keys()].toSorted());
      for (const [name, gradient] of sum.entries) {
        const draw = random(name);
        const direction = gradient.map(() => draw() - 0.5);
        const length = Math.hypot(...direction);
        const slope = gradient.reduce(
          (total, value, i) => total + (value * direction[i]!) / length,
          0,
        );
        const tensor = weights.get(name)!;
        const start = Float32Array.from(tensor);
        const moved = async (by: number): Promise<number> => {
          for (let i = 0; i < tensor.length; i++)
            tensor[i] = start[i]! + (by * direction[i]!) / length;
          return (await gradientOf(stepper, way)).loss;
        };
        const h = 0.01;
        const difference =
          (8 * ((await moved(h)) - (await moved(-h))) -
            ((await moved(2 * h)) - (await moved(-2 * h)))) /
          (12 * h);
        tensor.set(start);
        expect(Math.abs(difference - slope), name).toBeLessThan(
          1e-3 * Math.max(1, Math.abs(slope)),
        );
      }
    },
  );

  test("packed texts do not see each other", async () => {
    await using stepper = stepperOf(decoder, smallWeights(decoder));
    const [apart, together] = await Promise.all(
      [ways["one text a row"]!, ways["packed"]!].map((way) => gradientOf(stepper, way)),
    );
    expect(together!.loss).toBeCloseTo(apart!.loss, 5);
    for (const [name, gradient] of apart!.sum.entries) {
      const other = together!.sum.entries.get(name)!;
      const worst = gradient.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - other[i]!)),
        0,
      );
      expect(worst, name).toBeLessThan(1e-5);
    }
  });
});

test("a schedule of the whole network changes nothing", async () => {
  const decoder = decoderOf(smallConfigs["llama"]!);
  const full = prefixesUnder({ prompt: [0, 1], layersAt: () => [0, 1] }, 2);
  const way = { layout: oneTextARow, facts: { packed: false, prefixOf: full } };
  await using stepper = stepperOf(decoder, smallWeights(decoder));
  const [plain, scheduled] = await Promise.all(
    [ways["one text a row"]!, way].map((one) => gradientOf(stepper, one)),
  );
  expect(scheduled!.loss).toBeCloseTo(plain!.loss, 6);
  expect(scheduled!.sum.norm()).toBeCloseTo(plain!.sum.norm(), 5);
});

test("a schedule that rises again is refused", () => {
  const rising = prefixesUnder(
    { prompt: [0], layersAt: (index) => (index === 0 ? [0] : [0, 1]) },
    2,
  );
  expect(() => rising({ text: texts[0]!, row: 0, start: 0 })).toThrow(
    "layer 1 runs at position 5 but not at all earlier ones",
  );
});
