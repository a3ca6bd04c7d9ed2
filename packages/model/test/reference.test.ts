import { readFileSync } from "node:fs";

import * as ort from "onnxruntime-node";
import { beforeAll, describe, expect, test } from "vitest";

import {
  type Decoder,
  decoderOf,
  sequenceGraph,
  storedWeights,
  type WeightSource,
} from "../src/index.ts";
import { argmax, distance, logSoftmax, open, packed, PlainDecoding } from "./decoding.ts";
import { expectedOf, fixtures, hasFixtures } from "./reference-numbers.ts";

const missing = hasFixtures ? "" : " (skipped: the reference numbers are not beside this checkout)";

const sizes = { float32: 4 } as const;

/** The whole checkpoint in memory: the fixtures are small. */
function load(name: string): {
  decoder: Decoder;
  source: WeightSource;
  tensors: Map<string, Float32Array>;
} {
  const folder = `${fixtures}/checkpoints/${name}`;
  const decoder = decoderOf(JSON.parse(readFileSync(`${folder}/config.json`, "utf8")));
  const bytes = readFileSync(`${folder}/model.safetensors`);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const data = (tensor: string): Uint8Array => {
    const [from, to] = header[tensor]!.data_offsets;
    return Uint8Array.from(bytes.subarray(start + from, start + to));
  };
  const source = storedWeights(decoder, (tensor) => ({ type: "float32", data: data(tensor) }));
  const tensors = new Map(
    [...decoder.tensors.keys()].map((tensor) => [
      tensor,
      new Float32Array(data(tensor).buffer, 0, data(tensor).length / sizes.float32),
    ]),
  );
  return { decoder, source, tensors };
}

describe.skipIf(!hasFixtures).each(["llama-gqa-untied", "opt-prenorm", "phi3", "qwen2-tied"])(
  `%s gives the reference's numbers${missing}`,
  (name) => {
    const expected = hasFixtures ? expectedOf(name) : undefined!;
    const cases = hasFixtures ? expected.cases : [];
    let model: ReturnType<typeof load>;
    let decoding: PlainDecoding;

    beforeAll(async () => {
      model = load(name);
      decoding = await PlainDecoding.open(model.decoder, model.source);
    });

    test("prefill: last logits and hidden states", async () => {
      for (const { ids, last_logits, hidden_last_position } of cases) {
        decoding.start(1);
        const { logits, hidden } = await decoding.step([ids]);
        expect(distance(logits[0]!, last_logits)).toBeLessThan(1e-4);
        for (const [index, { first8 }] of hidden_last_position.layers.slice(0, -1).entries()) {
          const last = hidden[index]!.slice(-model.decoder.hiddenSize);
          expect(distance(last, first8)).toBeLessThan(1e-4);
        }
      }
    });

    test("decoding: greedy tokens, one at a time, after a prompt fed in two pieces", async () => {
      for (const { ids, greedy } of cases) {
        decoding.start(1);
        await decoding.step([ids.slice(0, 2)]);
        let { logits } = await decoding.step([ids.slice(2)]);
        const tokens: number[] = [];
        for (const _ of greedy.tokens) {
          tokens.push(argmax(logits[0]!));
          ({ logits } = await decoding.step([[tokens.at(-1)!]]));
        }
        expect(tokens).toEqual(greedy.tokens);
      }
    });

    test("left-padded batch: last logits of every row", async () => {
      const { input_ids, attention_mask, last_logits } = expected.left_padded_batch;
      decoding.start(input_ids.length);
      const real = attention_mask.map((row) => row.map((one) => one === 1));
      const { logits } = await decoding.step(input_ids, undefined, real);
      for (const [row, wanted] of last_logits.entries()) {
        expect(distance(logits[row]!, wanted)).toBeLessThan(1e-4);
      }
    });

    test("any set of layers", async () => {
      for (const { ids, active_sets } of cases) {
        for (const { active, last_logits } of active_sets) {
          decoding.start(1);
          const { logits } = await decoding.step([ids], active);
          expect(distance(logits[0]!, last_logits)).toBeLessThan(1e-4);
        }
      }
    });

    test("the full-sequence graph: all prompts packed into one row", async () => {
      const { builder, logits, parameters } = sequenceGraph(model.decoder);
      builder.output("logits", logits);
      const session = await open(builder.finish());
      const weights = Object.fromEntries(
        [...parameters.keys()].map((tensor) => [
          tensor,
          new ort.Tensor(model.tensors.get(tensor)!, model.decoder.tensors.get(tensor)),
        ]),
      );
      const out = await session.run({ ...weights, ...packed(cases.map(({ ids }) => ids)) });
      const flat = out["logits"]!.data as Float32Array;
      const { vocabSize } = model.decoder;
      let row = 0;
      for (const { ids, last_logits, token_logprobs } of cases) {
        const rows = ids.map(() => flat.subarray(row * vocabSize, ++row * vocabSize));
        expect(distance(rows.at(-1)!, last_logits)).toBeLessThan(1e-4);
        const logprobs = ids.slice(1).map((id, index) => logSoftmax(rows[index]!, id));
        expect(distance(logprobs, token_logprobs)).toBeLessThan(1e-4);
      }
    });
  },
);
