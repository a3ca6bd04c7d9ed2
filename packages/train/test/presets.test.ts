import { globSync } from "node:fs";

import { validate } from "@postgrad/schema";
import { describe, expect, test } from "vitest";

import {
  handOffJob,
  Preset,
  presetNamed,
  presetRows,
  presets,
  presetSettings,
} from "../src/index.ts";

const places = { model: "org/model", out: "/runs/a" };

describe.each(presets.map((preset) => [preset.name, preset] as const))("%s", (name, preset) => {
  test("is as the schema says, every value with its source", () => {
    expect(validate(Preset, preset)).toBe(preset);
  });

  test("describes a job, at its own scale and at a thousandth", () => {
    const full = handOffJob({ ...places, ...presetSettings(name) });
    const small = handOffJob({ ...places, ...presetSettings(name, { scale: 0.001 }) });
    expect(full.config).toMatchObject({
      loss: preset.settings.loss.value,
      lr: preset.settings.lr.value,
    });
    expect(small.config.batchSize).toBeLessThanOrEqual(2);
    expect(small.config.lr).toBe(full.config.lr);
  });

  test("comes after a preset that there is", () => {
    expect([undefined, ...presets.map((other) => other.name)]).toContain(preset.after);
  });
});

test("every file of a recipe is in the list, under a name of its own", () => {
  const shared = ["index", "preset", "settings", "orca2", "contrastive-alpaca"];
  const files = globSync("*.ts", { cwd: `${import.meta.dirname}/../src/presets` })
    .map((file) => file.replace(".ts", ""))
    .filter((file) => !shared.includes(file));
  expect(presets.map(({ name }) => name).toSorted()).toEqual(files.toSorted());
});

test("published values are the papers'", () => {
  const stages = [1, 2, 3].map((stage) => presetNamed(`orca2-stage-${stage}`).settings.epochs);
  expect(stages).toEqual([1, 3, 4].map((value) => ({ value, source: "published" })));
  expect(presetSettings("orca3")).toEqual({
    loss: "sft",
    lr: 8e-6,
    schedule: "cosine",
    warmup: 500,
    weightDecay: 0.1,
    epochs: 3,
    maxLength: 8192,
    packing: true,
    batchSize: 1520,
    precision: "bf16",
  });
  expect(presetSettings("contrastive-alpaca-d-dpo")).toMatchObject({
    beta: 0.1,
    batchSize: 512,
    maxLength: 1024,
  });
  expect(presetSettings("contrastive-alpaca-d-slic")).toMatchObject({ delta: 1, lambda: 1 });
});

test("what a paper does not report is marked so", () => {
  const { settings } = presetNamed("orca2-stage-1");
  const filled = Object.entries(settings).filter(([, { source }]) => source === "recommended");
  expect(filled.map(([key]) => key).toSorted()).toEqual([
    "batchSize",
    "lr",
    "schedule",
    "warmup",
    "weightDecay",
  ]);
});

test("scale shrinks what counts rows and steps", () => {
  // 1520 / 100 = 15.2, 500 / 100 = 5, 25.8M / 100
  expect(presetSettings("orca3", { scale: 0.01 })).toMatchObject({
    batchSize: 15,
    warmup: 5,
    lr: 8e-6,
    epochs: 3,
  });
  expect(presetSettings("orca2-stage-2", { scale: 0.5 })).toMatchObject({
    batchSize: 96,
    warmup: 0.03,
  });
  expect(presetRows("orca3", 0.01)).toEqual({ value: 258_000, source: "derived" });
  expect(presetRows("orca2-stage-1")).toBeUndefined();
});

test("an unknown name, a scale of nothing and a depth schedule with TRL are refused", () => {
  expect(() => presetNamed("orca-3")).toThrow('did you mean "orca3"');
  expect(() => presetSettings("orca3", { scale: 0 })).toThrow("scale must be above 0 (found 0)");
  expect(() => presetSettings("skipdecode", { backend: "trl" })).toThrow(
    "TRL has none: use the embedded trainer",
  );
});
