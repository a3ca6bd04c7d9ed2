import { mkdir } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";

import { PipelineConfig, type RunManifest } from "@postgrad/schema";
import { Type } from "typebox";

import { defineCommand } from "./command.ts";
import { pathOf } from "./paths.ts";
import { runStages, type StageEvent, writeWhole } from "./pipeline/run-stages.ts";
import { stages } from "./pipeline/stages.ts";

export const pipeline = defineCommand({
  name: "pipeline",
  summary: "runs the stages that there are: documents to passages, split by document",
  example: "postgrad pipeline --seeds docs --name docs",
  positionals: [],
  options: Type.Object(
    {
      name: PipelineConfig.properties.name,
      seeds: Type.String({ default: ".", description: "folder of raw documents and code" }),
      seed: Type.Integer({
        default: 0,
        minimum: 0,
        description: "seed of everything that is drawn",
      }),
      force: Type.Boolean({
        default: false,
        description: "run stages again that have nothing new to do",
      }),
      plan: Type.Boolean({ default: false, description: "only say what would run" }),
    },
    { additionalProperties: false },
  ),
  run: async ({ name, seeds, seed, force, plan }, context) => {
    const { output, signal } = context;
    const folder = pathOf(context, join("runs", name));
    const config: PipelineConfig = { schema: "pipeline-config/1", name, seeds, seed, stages: {} };
    if (!plan) {
      await mkdir(folder, { recursive: true });
      await writeWhole(join(folder, "run.json"), runManifest(config));
    }
    const onStage = (event: StageEvent): void => output.result(event, lineOf(event));
    await runStages(stages, {
      config,
      seeds: pathOf(context, seeds),
      folder,
      force,
      plan,
      signal,
      onStage,
    });
    if (!plan)
      output.note(`the rows are in ${join(folder, "stages")}; \`postgrad inspect\` shows them`);
  },
});

function lineOf({ stage, state, manifest }: StageEvent): string {
  const summary = stages.find(({ name }) => name === stage)!.summary;
  const head = `${stage.padEnd(9)} ${state.padEnd(9)}`;
  if (!manifest) return `${head} ${summary}`;
  const { counts, seconds = 0 } = manifest;
  const dropped = Object.entries(counts.dropped).map(([code, count]) => `${count} ${code}`);
  return `${head} ${counts.in} -> ${counts.out} rows in ${seconds.toFixed(1)} s: ${summary}${dropped.length > 0 ? ` (left out: ${dropped.join(", ")})` : ""}`;
}

function runManifest(config: PipelineConfig): RunManifest {
  return {
    schema: "run/1",
    name: config.name,
    config,
    versions: { node: process.versions.node },
    seed: config.seed,
    host: {
      platform: process.platform,
      arch: process.arch,
      cpus: availableParallelism(),
      memory: totalmem(),
      node: process.version,
    },
    stages: stages.map(({ name }) => name),
    createdAt: new Date().toISOString(),
  };
}
