import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openCheckpoint } from "@postgrad/model";
import type { RawRow } from "@postgrad/schema";
import { expect, test } from "vitest";

import { train, type TrainEvent, type TrainMetrics, type TrainOptions } from "../src/index.ts";
import { completionRows, pairRows, writeSmallModel } from "./small.ts";

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), "postgrad-train-"));
const base = { threads: 1, lr: 0.01, schedule: "constant", batchSize: 4 } as const;

/** A small model and a run over it, ready to go. */
async function setUp(more: Partial<TrainOptions> = {}, model = "llama"): Promise<TrainOptions> {
  const root = await folder();
  await writeSmallModel(join(root, "model"), model);
  return { ...base, model: join(root, "model"), out: join(root, "out"), ...more };
}

const weightsOf = (out: string): Promise<Buffer> => readFile(join(out, "model.safetensors"));

async function metricsOf(out: string): Promise<TrainMetrics[]> {
  const text = await readFile(join(out, "metrics.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as TrainMetrics);
}

test("supervised fine-tuning learns, logs, and leaves a checkpoint that opens", async () => {
  const options = await setUp({ epochs: 6 });
  const result = await train(options, { rows: completionRows(16) });
  expect(result.steps).toBe(24);
  const metrics = await metricsOf(options.out);
  expect(metrics).toHaveLength(24);
  expect(Object.keys(metrics[0]!)).toEqual([
    "step",
    "epoch",
    "loss",
    "grad_norm",
    "learning_rate",
    "num_tokens",
  ]);
  expect(metrics.at(-1)!["loss"]!).toBeLessThan(metrics[0]!["loss"]! / 2);
  await using trained = await openCheckpoint(options.out);
  expect(trained.decoder.layers).toBe(2);
  expect(trained.config["torch_dtype"]).toBe("float32");
});

test("the same seed gives the same bits, another one does not", async () => {
  const first = await setUp({ steps: 4 });
  const rows = completionRows(16);
  const runs = [
    first,
    { ...first, out: `${first.out}2` },
    { ...first, out: `${first.out}3`, seed: 1 },
  ];
  for (const run of runs) await train(run, { rows });
  const [a, b, c] = await Promise.all(runs.map(({ out }) => weightsOf(out)));
  expect(a!.equals(b!)).toBe(true);
  expect(a!.equals(c!)).toBe(false);
});

test("how a step is cut into batches does not matter", async () => {
  const whole = await setUp({ steps: 2, shuffle: false, batchSize: 8 });
  const parts = { ...whole, out: `${whole.out}2`, batchSize: 2, accumulate: 4, batchTokens: 20 };
  const packing = { ...whole, out: `${whole.out}3`, packing: true, maxLength: 20 };
  for (const run of [whole, parts, packing]) await train(run, { rows: completionRows(16) });
  const [a, b, c] = await Promise.all([whole, parts, packing].map(({ out }) => metricsOf(out)));
  for (const [step, line] of a!.entries()) {
    expect(b![step]!["loss"]).toBeCloseTo(line["loss"]!, 4);
    expect(b![step]!["grad_norm"]).toBeCloseTo(line["grad_norm"]!, 3);
    expect(c![step]!["loss"]).toBeCloseTo(line["loss"]!, 4);
  }
});

test("DPO begins at ln 2, raises the margin, and asks the reference once for each row", async () => {
  const options = await setUp({ loss: "dpo", beta: 0.5, epochs: 4 });
  const asked: number[] = [];
  const onEvent = (event: TrainEvent): void => {
    if (event.kind === "reference") asked.push(event.all);
  };
  await train(options, { rows: pairRows(12), onEvent });
  const metrics = await metricsOf(options.out);
  expect(metrics[0]!["loss"]).toBeCloseTo(Math.LN2, 5);
  expect(metrics[0]!["rewards/margins"]).toBeCloseTo(0, 4);
  expect(metrics.at(-1)!["rewards/margins"]!).toBeGreaterThan(0.3);
  expect(metrics.at(-1)!["rewards/accuracies"]).toBe(1);
  expect(metrics.at(-1)!["logps/chosen"]!).toBeLessThan(0);
  expect(asked.at(-1)).toBe(12);
  // Another order, fewer rows: all of them are known.
  asked.length = 0;
  const stored = await readFile(join(options.out, "reference-logps.jsonl"), "utf8");
  const again = { ...options, out: `${options.out}2`, seed: 5, steps: 1 };
  await train(again, { rows: pairRows(12).slice(3), onEvent });
  expect(asked).not.toEqual([]);
  await writeFile(join(again.out, "reference-logps.jsonl"), `${stored}\n{"id":"cut sh`);
  asked.length = 0;
  await train({ ...again, out: again.out, resume: true }, { rows: pairRows(12).slice(3), onEvent });
  expect(asked).toEqual([]);
});

test("log-probabilities of another reference are found out", async () => {
  const options = await setUp({ loss: "dpo", steps: 1 });
  const rows = pairRows(4).map((row) => ({ ...row, ref_chosen_logps: -1, ref_rejected_logps: -2 }));
  await expect(train(options, { rows })).rejects.toThrow(
    "the stored reference log-probability -1 is not what the reference gives",
  );
});

test("SLiC-HF needs no reference, and beta is not its option", async () => {
  const options = await setUp({ loss: "slic", steps: 3 });
  await train(options, { rows: pairRows(8) });
  expect((await metricsOf(options.out)).at(-1)!["loss"]).toBeGreaterThan(0);
  await expect(
    train({ ...options, out: `${options.out}2`, beta: 0.1 }, { rows: [] }),
  ).rejects.toThrow(
    'the loss "slic" has no beta (found 0.1): it belongs to dpo, ipo, hinge, dpo-norm',
  );
});

test("a stopped run goes on to the weights of an unbroken one", async () => {
  const whole = await setUp({ steps: 6, saveEvery: 2, schedule: "cosine", warmup: 2 });
  const rows = completionRows(20);
  await train(whole, { rows });
  const broken = { ...whole, out: `${whole.out}2` };
  const stop = new AbortController();
  const onEvent = (event: TrainEvent): void => {
    if (event.kind === "step" && event.metrics["step"] === 3) stop.abort();
  };
  await expect(train(broken, { rows, onEvent, signal: stop.signal })).rejects.toThrow("abort");
  await train({ ...broken, resume: true }, { rows });
  expect((await weightsOf(broken.out)).equals(await weightsOf(whole.out))).toBe(true);
  expect(await metricsOf(broken.out)).toEqual(await metricsOf(whole.out));
});

test("a checkpoint of other settings or other rows is refused", async () => {
  const options = await setUp({ steps: 2 });
  const rows = completionRows(8);
  await train(options, { rows });
  await expect(train(options, { rows })).rejects.toThrow(
    "has a run in it, up to step 2: go on with resume",
  );
  await expect(train({ ...options, resume: true, lr: 0.5 }, { rows })).rejects.toThrow(
    "lr was 0.01 and is 0.5",
  );
  await expect(train({ ...options, resume: true }, { rows: completionRows(8, 1) })).rejects.toThrow(
    "other rows",
  );
});

test("NaN stops the run before it touches the weights", async () => {
  const options = await setUp({ steps: 9, lr: 1e30, maxGradNorm: 0 });
  await expect(train(options, { rows: completionRows(16) })).rejects.toThrow(
    /step \d gave the loss NaN/,
  );
  const { length } = await metricsOf(options.out);
  await using last = await openCheckpoint(join(options.out, `checkpoint-${length}`));
  expect((await last.read("model.norm.weight")).every(Number.isFinite)).toBe(true);
});

test("rows that teach nothing are counted, long ones cut", async () => {
  const options = await setUp({ steps: 1, maxLength: 6, loss: "slic" });
  const rows: RawRow[] = [
    ...pairRows(4),
    { prompt_ids: [5], chosen_ids: [], rejected_ids: [6] },
    { prompt_ids: [5], chosen_ids: [7, 3], rejected_ids: [7, 3] },
    { prompt_ids: [5, 6, 7, 8, 9, 10, 11], chosen_ids: [7, 3], rejected_ids: [8, 3] },
    { prompt_ids: [5, 6], chosen_ids: [7, 7, 7, 7, 7, 7, 3], rejected_ids: [8, 3] },
  ];
  const { drops, truncated } = await train(options, { rows });
  expect(drops).toMatchObject({ "empty response": 1, "identical sides": 1 });
  expect(drops["no response left after truncation"]).toBeGreaterThan(0);
  expect(truncated).toBeGreaterThan(0);
  const { drops: left } = await train(
    { ...options, out: `${options.out}2`, truncate: "drop" },
    { rows },
  );
  expect(left["too long"]).toBeGreaterThan(1);
});

test("tokens past the embedding are refused with their row", async () => {
  const options = await setUp({ steps: 1 });
  const rows = [...completionRows(1), { prompt_ids: [5], completion_ids: [99] }];
  await expect(train(options, { rows })).rejects.toThrow(
    "row 2: token 99 is past the embedding's 40 entries",
  );
});

test("rows of text want a tokenizer", async () => {
  const options = await setUp({ steps: 1 });
  const rows = [{ messages: [{ role: "assistant", content: "hello" }] }];
  await expect(train(options, { rows })).rejects.toThrow("the checkpoint has no tokenizer.json");
});

test("LoRA trains its factors only; the merged model and PEFT's files say the same", async () => {
  const options = await setUp({ steps: 5, loraRank: 2, loraTargets: ["q_proj", "down_proj"] });
  await train(options, { rows: completionRows(16) });
  await using before = await openCheckpoint(options.model);
  await using after = await openCheckpoint(options.out);
  const changed: string[] = [];
  for (const name of before.decoder.tensors.keys()) {
    const [old, now] = [await before.read(name), await after.read(name)];
    if (old.some((value, i) => value !== now[i])) changed.push(name);
  }
  expect(changed.map((name) => name.split(".").at(-2))).toEqual([
    "q_proj",
    "down_proj",
    "q_proj",
    "down_proj",
  ]);
  const config = JSON.parse(
    await readFile(join(options.out, "adapter/adapter_config.json"), "utf8"),
  ) as Record<string, unknown>;
  expect(config).toMatchObject({ peft_type: "LORA", r: 2, lora_alpha: 4 });
  const file = await readFile(join(options.out, "adapter/adapter_model.safetensors"));
  const header = JSON.parse(
    file.toString("utf8", 8, 8 + Number(file.readBigUInt64LE(0))),
  ) as Record<string, { shape: number[] }>;
  expect(header["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"]!.shape).toEqual([
    2, 16,
  ]);
  expect(header["base_model.model.model.layers.1.mlp.down_proj.lora_B.weight"]!.shape).toEqual([
    16, 2,
  ]);
  await expect(
    train({ ...options, out: `${options.out}2`, loraTargets: ["w1"] }, { rows: completionRows(4) }),
  ).rejects.toThrow('no linear layer\'s name ends in "w1"; this model has q_proj');
});

test("a stopped LoRA run goes on to the weights of an unbroken one", async () => {
  const whole = await setUp({ steps: 4, loraRank: 2, saveEvery: 2, loss: "dpo" });
  await train(whole, { rows: pairRows(16) });
  const broken = { ...whole, out: `${whole.out}2` };
  const stop = new AbortController();
  const onEvent = (event: TrainEvent): void => {
    if (event.kind === "step") stop.abort();
  };
  await expect(train(broken, { rows: pairRows(16), onEvent, signal: stop.signal })).rejects.toThrow(
    "abort",
  );
  await train({ ...broken, resume: true }, { rows: pairRows(16) });
  expect((await weightsOf(broken.out)).equals(await weightsOf(whole.out))).toBe(true);
});

test("a curriculum runs from easy to hard", async () => {
  const options = await setUp({
    loss: "slic",
    steps: 4,
    curriculum: [
      { at: 0, shares: { easy: 1 } },
      { at: 1, shares: { hard: 1 } },
    ],
  });
  const rows = pairRows(16).map((row, index) => ({
    ...row,
    meta: { tier: index % 2 === 0 ? "easy" : "hard" },
  }));
  await train(options, { rows });
  const metrics = await metricsOf(options.out);
  expect(metrics.map((line) => line["curriculum/easy"] ?? 0)).toEqual([4, 3, 1, 0]);
  await expect(
    train({ ...options, out: `${options.out}2` }, { rows: pairRows(2) }),
  ).rejects.toThrow("row 1 has no meta.tier; the curriculum names easy, hard");
});

test("a depth schedule comes in over the first steps", async () => {
  const schedule = { layers: 2, warmup: 0, maxExit: 2, minExit: 1, generated: 3 };
  const options = await setUp({ steps: 3, depth: { schedule, ramp: 0.5 } });
  const exits: number[] = [];
  const makeSchedule = ({ maxExit, minExit }: { maxExit: number; minExit: number }) => {
    exits.push(minExit);
    return {
      prompt: [0, 1],
      layersAt: (index: number) => ((index === 0 ? maxExit : minExit) === 2 ? [0, 1] : [1]),
    };
  };
  await train(options, { rows: completionRows(16), makeSchedule });
  expect(exits).toEqual([2, 1, 1]);
  await expect(
    train({ ...options, out: `${options.out}2` }, { rows: completionRows(8) }),
  ).rejects.toThrow("makeSchedule");
  await expect(
    train({ ...options, out: `${options.out}3`, loss: "dpo" }, { rows: [] }),
  ).rejects.toThrow('not with the loss "dpo"');
});
