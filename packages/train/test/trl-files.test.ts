import { readFileSync } from "node:fs";

import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { accelerateConfig, handOffJob, sbatchText, trlArguments } from "../src/index.ts";
import { accelerateYaml } from "../src/trl/accelerate.ts";
import { launchCommand, shellText, startCommands } from "../src/trl/launch.ts";
import { isAtLeast } from "../src/trl/requirements.ts";

/** What the libraries accept; versions are in the file. */
const accepted = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/trl-names.json`, "utf8"),
) as Record<string, string[]>;

const places = { model: "org/model", out: "/runs/a" };

/** One job of each kind that the options can describe. */
const jobs = [
  {},
  { gpus: 0 },
  { gpus: 4 },
  { gpus: 8, parallelism: "fsdp", offload: true },
  { gpus: 8, machines: 4, parallelism: "zero3", slurm: true, offload: true, loraRank: 64 },
  { gpus: 2, machines: 2, mainAddress: "10.0.0.1", precision: "fp16" },
  { packing: true, steps: 10, schedule: "constant" },
  { loss: "dpo", beta: 0.2 },
  { loss: "dpo", labelSmoothing: 0.1 },
  { loss: "ipo" },
  { loss: "ipo", logps: "sum" },
  { loss: "hinge", schedule: "cosine" },
  { loss: "dpo-norm" },
  { loss: "slic", delta: 2 },
] as const;

describe.each(jobs)("%j", (options) => {
  const job = handOffJob({ ...places, ...options });

  test("asks TRL for fields and values that it has", () => {
    const fields = trlArguments(job);
    const config = job.chosen.loss.rows === "pairs" ? "DPOConfig" : "SFTConfig";
    expect([...accepted["TrainingArguments"]!, ...accepted[config]!]).toEqual(
      expect.arrayContaining(Object.keys(fields)),
    );
    expect(accepted[`${config}.loss_type`]).toEqual(
      expect.arrayContaining([fields["loss_type"]].flat()),
    );
    expect(accepted["lr_scheduler_type"]).toContain(fields["lr_scheduler_type"]);
    const { per_device_train_batch_size: rows, gradient_accumulation_steps: times } = fields;
    expect(Number(rows) * Number(times) * job.processes).toBe(job.config.batchSize);
  });

  test("configures accelerate with keys that it has, a file that reads back", () => {
    const config = accelerateConfig(job);
    expect(parse(accelerateYaml(job), { version: "1.1" })).toEqual(config); // as PyYAML reads it
    expect(accepted["ClusterConfig"]).toEqual(expect.arrayContaining(Object.keys(config)));
    expect(accepted["distributed_type"]).toContain(config["distributed_type"]);
    expect(accepted["mixed_precision"]).toContain(config["mixed_precision"]);
    for (const part of ["fsdp_config", "deepspeed_config"]) {
      expect(accepted[part]).toEqual(expect.arrayContaining(Object.keys(config[part] ?? {})));
    }
  });

  test("starts accelerate with options that it has", () => {
    const words = [
      ...launchCommand(job, "/project", 1),
      ...sbatchText(job, "/project").split(/\s+/),
    ];
    const flags = words.filter((word) => /^--[a-z]+_/.test(word)).map((word) => word.slice(2));
    expect(accepted["accelerate launch"]).toEqual(expect.arrayContaining(flags));
  });

  test("gives Slurm a script that bash reads", async () => {
    await expect(
      execa({ input: sbatchText(job, "/project/it's here") })`bash -n`,
    ).resolves.toBeDefined();
  });
});

describe("a loss goes to TRL under its name there only where TRL computes the same", () => {
  test.each([
    ["sft", {}, "nll"],
    ["dpo", {}, "sigmoid"],
    ["dpo", { labelSmoothing: 0.1 }, undefined], // TRL's sigmoid ignores label_smoothing
    ["ipo", {}, "ipo"], // means in both
    ["ipo", { logps: "sum" }, undefined],
    ["hinge", {}, "hinge"], // with a reference in both
    ["dpo-norm", {}, "sigmoid_norm"],
    ["slic", {}, undefined], // TRL's hinge is another loss
  ] as const)("%s %j", (loss, options, name) => {
    expect(handOffJob({ ...places, loss, ...options }).trlLoss).toBe(name);
  });
});

describe("what does not fit together is refused", () => {
  test.each([
    [
      { batchSize: 100, gpus: 8, machines: 2, slurm: true },
      /batchSize 100 is no multiple of 16 processes x perDevice 1: take a multiple of 16/,
    ],
    [
      { gpus: 2, parallelism: "single" },
      /"single" is one process, but gpus 2 x machines 1 are 2: take ddp/,
    ],
    [{ gpus: 0, parallelism: "zero3" }, /gpus 0 trains on the CPU .*found parallelism zero3/],
    [{ offload: true }, /offload belongs to parallelism fsdp and zero3, and this is single/],
    [{ machines: 2 }, /machines 2 without slurm need mainAddress/],
    [{ loss: "dpo", packing: true }, /packing is for sft/],
    [
      { packing: true, attention: "sdpa" },
      /packing with attention "sdpa" would let rows see each other/,
    ],
    [{ loss: "slic", beta: 0.1 }, /"slic" has no beta/],
    [{ loss: "dpo", delta: 1 }, /"dpo" has no delta/],
    [{ loss: "dpoo" }, /did you mean "dpo"/],
    [{ learningRate: 1 }, /learningRate/],
  ] as const)("%j", (options, message) => {
    expect(() => handOffJob({ ...places, ...options })).toThrow(message);
  });
});

test.each([
  ["2.9.0+cu128", "2.4", true],
  ["1.10.0.dev0", "1.9.0", true],
  ["1.9", "1.9.0", true],
  ["4.56.1", "4.56.2", false],
  ["0.29.1", "1.9.0", false],
])("version %s against %s", (version, minimum, isEnough) => {
  expect(isAtLeast(version, minimum)).toBe(isEnough);
});

test("each machine has its command, Slurm the submission", () => {
  const two = handOffJob({ ...places, gpus: 2, machines: 2, mainAddress: "10.0.0.1" });
  expect(startCommands(two, "/w").map(shellText)).toEqual(
    [0, 1].map(
      (rank) =>
        `python3 -m accelerate.commands.launch --config_file /w/accelerate.yaml --machine_rank ${rank} /w/driver.py`,
    ),
  );
  const submitted = handOffJob({ ...places, gpus: 2, machines: 2, slurm: true });
  expect(startCommands(submitted, "/w w").map(shellText)).toEqual([
    "sbatch --wait '/w w/job.sbatch'",
  ]);
});
