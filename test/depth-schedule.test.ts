// Two packages of one floor promise the same: training under a skip schedule computes what cached decoding under it computes.
import { decoderOf, storedWeights } from "@postgrad/model";
import { random } from "@postgrad/schema";
import { collect, openEngine, skipSchedule } from "@postgrad/skipdecode";
import { oneTextARow, prefixesUnder, Stepper, type Text } from "@postgrad/train";
import { expect, test } from "vitest";

const decoder = decoderOf({
  model_type: "llama",
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 8,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 48,
  max_position_embeddings: 64,
});

const weights = new Map(
  [...decoder.tensors].map(([name, shape]) => {
    const draw = random(name);
    const size = shape.reduce((product, length) => product * length, 1);
    return [
      name,
      Float32Array.from(
        { length: size },
        () => (shape.length === 1 ? 1 : 0) + (draw() - 0.5) * 0.6,
      ),
    ];
  }),
);

// The method note's worked example, then with warm-up layers and with the prompt under the schedule too.
const schedules = [
  { layers: 8, warmup: 1, maxExit: 6, minExit: 2, generated: 8 },
  { layers: 8, warmup: 2, maxExit: 8, minExit: 3, generated: 5 },
  { layers: 8, warmup: 1, maxExit: 5, minExit: 2, generated: 6, prompt: "max-exit" },
] as const;

test.each(schedules)("training under %j is cached decoding", async (config) => {
  const schedule = skipSchedule(config);
  const source = storedWeights(decoder, (name) => {
    const { buffer, byteOffset, byteLength } = weights.get(name)!;
    return { type: "float32", data: new Uint8Array(buffer, byteOffset, byteLength) };
  });
  await using engine = await openEngine({ decoder, weights: source, threads: 1 });
  const prompts = [[5, 9, 2, 33], [7], [11, 40, 21, 3, 8, 8, 19]];
  const settings = { maxNewTokens: 10, logprobs: 0, temperature: 0, ignoreEos: true } as const;
  const texts: Text[] = [];
  const sums: number[] = [];
  for (const prompt of prompts) {
    const { rows } = await collect(engine.generate({ rows: [{ prompt, ...settings }], schedule }));
    const { tokens, logprobs } = rows[0]!;
    texts.push({
      ids: [...prompt, ...tokens],
      scored: tokens.map((_, i) => prompt.length + i),
      promptLength: prompt.length,
    });
    sums.push(logprobs.reduce((sum, logprob) => sum + logprob, 0));
  }
  await using stepper = new Stepper(decoder, weights, { threads: 1 });
  const facts = { packed: false, prefixOf: prefixesUnder(schedule, decoder.layers) };
  const scored = await stepper.score(oneTextARow(texts), facts);
  for (const [row, sum] of sums.entries()) expect(Math.abs(scored[row]! - sum)).toBeLessThan(1e-4);
});
