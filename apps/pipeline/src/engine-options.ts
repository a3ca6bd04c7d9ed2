import { existsSync } from "node:fs";

import { PostgradError } from "@postgrad/schema";
import {
  type Engine,
  type GenerateRequest,
  type LayerSchedule,
  type ModelOptions,
  skipSchedule,
  type SkipScheduleOptions,
} from "@postgrad/skipdecode";
import { type Static, Type } from "typebox";

import type { Context } from "./command.ts";
import { pathOf } from "./paths.ts";

/** Options of every command that opens a checkpoint. */
export const modelOptions = {
  model: Type.String({
    description: "folder of a checkpoint in the Hugging Face layout, or a hub id",
  }),
  dtype: Type.Enum(["fp32", "fp16", "int8", "int4"], {
    default: "fp32",
    description: "format of the weights; converted once and kept in the cache",
  }),
  threads: Type.Optional(
    Type.Integer({ minimum: 1, description: "threads of the runtime (default: all cores)" }),
  ),
};

/** What a command's model options say to the engine. */
export function modelSettings({
  threads,
  dtype,
}: {
  threads?: number;
  dtype: NonNullable<ModelOptions["format"]>;
}): ModelOptions {
  return { format: dtype, ...(threads !== undefined && { threads }) };
}

/** Options that say how deep tokens go. */
export const depthOptions = {
  skip: Type.Optional(
    Type.String({ description: "skip schedule, e.g. warmup=1,max=6,min=2,generated=24" }),
  ),
  speedup: Type.Optional(
    Type.Number({ minimum: 1, description: "skip schedule with this speed-up by layer count" }),
  ),
  exact: Type.Boolean({
    default: false,
    description: "the full model's own output: the schedule only drafts",
  }),
};

/** The local folder where there is one of that name, else a hub id. */
export function checkpointOf(model: string, context: Context): string {
  const folder = pathOf(context, model);
  return existsSync(folder) ? folder : model;
}

type Depth = Static<Type.TObject<typeof depthOptions>>;

/** The part of a request that says how deep tokens go. */
export function depthOf(
  { skip, speedup, exact }: Depth,
  engine: Engine,
  maxNewTokens: number,
): Partial<GenerateRequest> {
  if (skip !== undefined && speedup !== undefined) {
    throw new PostgradError(
      "cli/value",
      "--skip and --speedup both name a schedule: give one of them",
    );
  }
  return {
    ...(skip !== undefined && { schedule: scheduleOf(skip, engine, maxNewTokens) }),
    ...(speedup !== undefined && { speedup }),
    exact,
  };
}

function scheduleOf(text: string, { layers }: Engine, generated: number): LayerSchedule {
  const names: Record<string, keyof SkipScheduleOptions> = {
    warmup: "warmup",
    max: "maxExit",
    min: "minExit",
    generated: "generated",
    shape: "shape",
    mode: "mode",
    power: "power",
  };
  const settings = text.split(",").map((part) => {
    const [key = "", value = ""] = part.split("=");
    const name = names[key.trim()];
    if (!name)
      throw new PostgradError(
        "cli/value",
        `--skip: unknown setting "${key}"; known: ${Object.keys(names).join(", ")}`,
      );
    return [name, name === "shape" || name === "mode" ? value : number(key, value)];
  });
  return skipSchedule({
    generated,
    ...Object.fromEntries(settings),
    layers,
  } as SkipScheduleOptions);
}

function number(key: string, value: string): number {
  const parsed = Number(value);
  if (value.trim() === "" || !Number.isFinite(parsed))
    throw new PostgradError("cli/value", `--skip: ${key}=${value} is no number`);
  return parsed;
}

/** Token ids as they are written on a command line: `"1 5 7"` or `"1,5,7"`. */
export function idsOf(text: string): number[] {
  const words = text.split(/[\s,]+/).filter(Boolean);
  const wrong = words.find((word) => !/^\d+$/.test(word));
  if (wrong !== undefined)
    throw new PostgradError(
      "cli/value",
      `--ids: found "${wrong}", expected token ids, e.g. "1 5 7"`,
    );
  return words.map(Number);
}
