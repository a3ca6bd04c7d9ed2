import { globSync, readFileSync } from "node:fs";

import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";

import { decoderOf, sequenceGraph } from "../src/index.ts";
import { argmax, distance, logSoftmax, open, packed, PlainDecoding } from "./decoding.ts";
import { seededTensors, seededWeights } from "./seeded-weights.ts";

/** What fixtures/expected.py writes. */
interface Expected {
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly cases: readonly {
    readonly ids: readonly number[];
    readonly last_logits: readonly number[];
    readonly token_logprobs: readonly number[];
    readonly greedy: readonly number[];
  }[];
}

const folder = `${import.meta.dirname}/fixtures/families`;
const read = (file: string): unknown => JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));

// A new case is a new folder with config.json; fixtures/expected.py writes what PyTorch computes beside it.
describe.each(globSync("*", { cwd: folder }))("%s, against transformers on PyTorch", (name) => {
  const decoder = decoderOf(read(`${name}/config.json`) as Record<string, unknown>);
  const { cases, tensors } = read(`${name}/expected.json`) as Expected;

  test("has the same tensors", () => {
    expect(Object.fromEntries(decoder.tensors)).toEqual(tensors);
  });

  test("decoding: last logits and greedy tokens, each prompt alone", async () => {
    const decoding = await PlainDecoding.open(decoder, seededWeights(decoder));
    for (const { ids, last_logits, greedy } of cases) {
      decoding.start(1);
      let { logits } = await decoding.step([ids]);
      expect(distance(logits[0]!, last_logits)).toBeLessThan(1e-4);
      const tokens: number[] = [];
      for (const _ of greedy) {
        tokens.push(argmax(logits[0]!));
        const all = [...ids, ...tokens];
        const kept = decoder.rotaryRegime(all.length) === decoder.rotaryRegime(all.length - 1);
        if (!kept) decoding.start(1); // cached keys are turned by other frequencies
        ({ logits } = await decoding.step([kept ? all.slice(-1) : all]));
      }
      expect(tokens).toEqual(greedy);
    }
  });

  test("decoding: a left-padded batch gives what each row gives alone", async () => {
    const decoding = await PlainDecoding.open(decoder, seededWeights(decoder));
    const longest = Math.max(...cases.map(({ ids }) => ids.length));
    const padding = cases.map(({ ids }) => longest - ids.length);
    decoding.start(cases.length);
    const { logits } = await decoding.step(
      cases.map(({ ids }, row) => [...Array.from({ length: padding[row]! }, () => 1), ...ids]),
      undefined,
      padding.map((count) => Array.from({ length: longest }, (_, place) => place >= count)),
    );
    for (const [row, { last_logits }] of cases.entries()) {
      expect(distance(logits[row]!, last_logits)).toBeLessThan(1e-4);
    }
  });

  test("the full-sequence graph: log-probabilities of every token, each prompt alone", async () => {
    const { builder, logits, parameters } = sequenceGraph(decoder);
    builder.output("logits", logits);
    const session = await open(builder.finish());
    const seeded = seededTensors(decoder);
    const weights = Object.fromEntries(
      [...parameters].map(([tensor, { shape }]) => [
        tensor,
        new ort.Tensor(seeded.get(tensor)!, shape as number[]),
      ]),
    );
    for (const { ids, last_logits, token_logprobs } of cases) {
      const out = await session.run({ ...weights, ...packed([ids]) });
      const flat = out["logits"]!.data as Float32Array;
      const rows = ids.map((_, row) =>
        flat.subarray(row * decoder.vocabSize, (row + 1) * decoder.vocabSize),
      );
      expect(distance(rows.at(-1)!, last_logits)).toBeLessThan(1e-4);
      const logprobs = ids.slice(1).map((id, index) => logSoftmax(rows[index]!, id));
      expect(distance(logprobs, token_logprobs)).toBeLessThan(1e-4);
    }
  });
});
