// One engine, four ways through it: the full network, a skip schedule, exact mode, and a calibration that chooses a schedule.
// The weights are random, made here; `openModel("folder or hub id")` opens a checkpoint instead.
import { decoderOf, storedWeights } from "@postgrad/model";
import { random } from "@postgrad/schema";
import { calibrate, chooseSchedule, collect, openEngine, skipSchedule } from "@postgrad/skipdecode";

const decoder = decoderOf({
  model_type: "llama",
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 8,
  num_attention_heads: 4,
  vocab_size: 64,
  max_position_embeddings: 128,
});
const weights = storedWeights(decoder, (name) => {
  const next = random(name);
  const size = decoder.tensors.get(name)!.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, () => 0.6 * (next() - 0.5));
  return { type: "float32", data: new Uint8Array(data.buffer) };
});
await using engine = await openEngine({ decoder, weights });

// Rows of one batch may differ in everything but the schedule.
const rows = [
  { prompt: [5, 9, 33], maxNewTokens: 8 },
  { prompt: [1], maxNewTokens: 6, temperature: 0.8, topP: 0.9, seed: 7 },
];
const full = await collect(engine.generate({ rows }));
console.log(
  "full:",
  full.rows.map(({ layers }) => layers.join(" ")),
);

const schedule = skipSchedule({ layers: 8, maxExit: 6, minExit: 2, generated: 8 });
const skipped = await collect(engine.generate({ rows, schedule }));
console.log(
  "skipping:",
  skipped.rows.map(({ layers }) => layers.join(" ")),
);

// Drafts by the schedule, verified by the full network: the tokens are the full network's.
const exact = await collect(engine.generate({ rows: rows.slice(0, 1), schedule, exact: true }));
console.log("exact:", exact.rows[0]!.tokens.join() === full.rows[0]!.tokens.join());

// Log-likelihood of continuations; the prompt is computed once.
const [scored] = await engine.score([{ prompt: [5, 9, 33], continuations: [[1, 2], [3]] }]);
console.log(
  "scored:",
  scored!.map(({ logprobs }) => logprobs.length),
);

const calibration = await calibrate(engine, {
  prompts: [
    [5, 9, 33],
    [1, 2],
  ],
  generated: 8,
});
console.log(
  "chosen:",
  chooseSchedule(calibration, { agreement: 1 }).schedule.meanLayers(),
  "layers",
);
