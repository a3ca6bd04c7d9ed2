import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { PostgradError } from "@postgrad/schema";
import { skipSchedule } from "@postgrad/skipdecode";
import {
  openRun,
  preview,
  train as runTraining,
  TrainConfig,
  type TrainEvent,
  type TrainOptions,
} from "@postgrad/train";
import { Type } from "typebox";

import { type Context, defineCommand } from "./command.ts";
import type { OptionSchema } from "./options.ts";

/** Settings that are lists or objects: they are given in the configuration file. */
const fileOnly = new Set(["curriculum", "depth"]);

/** Flags without defaults, so that one that was not given leaves the file's value alone. */
const flags = Object.fromEntries(
  Object.entries(TrainConfig.properties)
    .filter(([name]) => !fileOnly.has(name))
    .map(([name, schema]) => {
      const { default: preset, ...rest } = schema as OptionSchema;
      const shown = preset === undefined ? "" : ` (default: ${JSON.stringify(preset)})`;
      return [name, Type.Optional({ ...rest, description: `${rest.description ?? ""}${shown}` })];
    }),
);

export const train = defineCommand({
  name: "train",
  summary: "trains a checkpoint: SFT, DPO, IPO, SLiC-HF and their relatives",
  example: "postgrad train --help",
  positionals: [],
  options: Type.Object(
    {
      ...flags,
      config: Type.Optional(
        Type.String({
          description: "JSON file of these settings, with curriculum and depth; flags override it",
        }),
      ),
      preview: Type.Optional(
        Type.Integer({
          minimum: 1,
          description: "only show this many rows with what is learnt coloured",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  run: async (given, context) => {
    const {
      config: file,
      preview: count,
      ...own
    } = given as Record<string, unknown> & {
      readonly config?: string;
      readonly preview?: number;
    };
    const settings = {
      ...(file === undefined ? {} : await readSettings(resolve(context.cwd, file))),
      ...own,
    };
    for (const name of ["model", "out"]) {
      if (settings[name] !== undefined || (name === "out" && count !== undefined)) continue;
      throw new PostgradError("cli/missing", `--${name} is missing; see \`postgrad train --help\``);
    }
    const options = { out: "", ...settings, ...placed(settings, context) } as TrainOptions;
    if (count !== undefined) return show(options, count, context);
    const result = await runTraining(options, {
      makeSchedule: skipSchedule,
      signal: context.signal,
      onEvent: (event) => report(event, context),
    });
    const loss = result.metrics?.["loss"]?.toFixed(4) ?? "as before";
    context.output.result(result, `${result.folder}: ${result.steps} steps, loss ${loss}`);
  },
});

/** Paths start from the folder that the user stands in. A model may be the id of one on the hub: then it stays. */
function placed(settings: Record<string, unknown>, { cwd }: Context): Record<string, unknown> {
  const isPath = (value: unknown): value is string => typeof value === "string" && value !== "";
  const own = ["data", "out"].filter((name) => isPath(settings[name]));
  return Object.fromEntries(own.map((name) => [name, resolve(cwd, settings[name] as string)]));
}

async function readSettings(file: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  } catch (cause) {
    throw new PostgradError(
      "cli/config",
      `${file} cannot be read as JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
}

async function show(options: TrainOptions, count: number, { output }: Context): Promise<void> {
  await using run = await openRun({ ...options, out: options.out || "preview" });
  const rows = run.prepared.rows.slice(0, count);
  const texts = rows.flatMap((row) =>
    row.texts.map((text) => preview(text, run.tokenizer, process.stdout.isTTY ?? false)),
  );
  const { drops, truncated } = run.prepared;
  output.result({ texts, drops, truncated, steps: run.steps }, texts.join("\n\n"));
}

function report(event: TrainEvent, { output }: Context): void {
  if (event.kind === "prepared") {
    const { rows, drops, truncated } = event.prepared;
    const left = Object.entries(drops).map(
      ([reason, dropped]) => `, ${dropped} left out (${reason})`,
    );
    const cut = truncated > 0 ? `, ${truncated} cut` : "";
    output.note(`${rows.length} rows${cut}${left.join("")}; steps ${event.from} to ${event.steps}`);
  } else if (event.kind === "checkpoint") output.note(`saved ${event.folder}`);
  else if (output.isLive) live(event);
}

function live(event: Extract<TrainEvent, { kind: "step" | "reference" }>): void {
  const text =
    event.kind === "reference"
      ? `reference ${event.done}/${event.all}`
      : `step ${event.metrics["step"]}  loss ${event.metrics["loss"]!.toFixed(4)}  grad ${event.metrics["grad_norm"]!.toFixed(3)}  ${Math.round(event.tokensPerSecond)} tokens/s`;
  process.stderr.write(`\r\u001B[K${text}`);
}
