// `npm run bench:decode [-- --shapes opt-125m,llama-1b --formats int4,fp32 --threads 2 --generated 60 --rounds 3]`: decoding
// by this engine, by transformers.js and by llama.cpp on random weights of the same shape, beside what the machine can do.
import { parseArgs } from "node:util";

import { execa } from "execa";

import type { Format } from "./decode/random-weights.ts";
import { shapes } from "./decode/shapes.ts";
import type { Task } from "./decode/task.ts";
import { type Figure, machine, report } from "./measure.ts";

const { values } = parseArgs({
  options: {
    shapes: { type: "string", default: "opt-125m,llama-1b,opt-1.3b" },
    formats: { type: "string", default: "int4,fp32" },
    threads: { type: "string", default: String(Math.min(2, Number(machine()["cores"]))) },
    prompt: { type: "string", default: "32" },
    generated: { type: "string", default: "60" },
    rounds: { type: "string", default: "3" },
  },
});
const wanted = values.shapes.split(",");
const unknown = wanted.find((shape) => !(shape in shapes));
if (unknown !== undefined) {
  console.error(`there is no shape "${unknown}"; there are ${Object.keys(shapes).join(", ")}`);
  process.exit(2);
}

interface Ours {
  readonly fullMs: Readonly<Record<1 | 8, number>>;
  readonly prefillMs: number;
  readonly prefillOperations: number;
  readonly weightBytes: number;
  readonly memory: { readonly rss: number; readonly expected: number };
  readonly skipping: readonly {
    readonly speedup: number;
    readonly rows: number;
    readonly ms: number;
    readonly measured: number;
    readonly arithmetic: number;
  }[];
}

const figures: Figure[] = [];
for (const shape of wanted) {
  for (const format of values.formats.split(",") as Format[]) {
    const task: Task = {
      shape,
      format,
      threads: Number(values.threads),
      prompt: Number(values.prompt),
      generated: Number(values.generated),
      rounds: Number(values.rounds),
    };
    const can = await run<{ readBytes: number; operations: number }>("machine-rate", task);
    const ours = await run<Ours>("ours", task);
    const js = await run<{ decodeMs: number }>("transformers-js", task);
    const cpp = await run<{ decodeMs: number }>("llama-cpp", task);
    figures.push(...figuresOf(`${shape} ${format}`, { can, ours, js, cpp }));
  }
}
report("decode", figures);

function figuresOf(
  name: string,
  all: {
    readonly can: { readonly readBytes: number; readonly operations: number };
    readonly ours: Ours;
    readonly js: { readonly decodeMs: number };
    readonly cpp: { readonly decodeMs: number };
  },
): Figure[] {
  const { can, ours, js, cpp } = all;
  const figure = (what: string, value: number, unit: string): Figure => ({
    name: `${name}: ${what}`,
    value,
    low: value,
    high: value,
    unit,
  });
  const boundMs = (ours.weightBytes / can.readBytes) * 1000;
  const prefill = ours.prefillOperations / (ours.prefillMs / 1000);
  return [
    figure("machine reads", can.readBytes / 1e9, "GB/s"),
    figure("machine multiplies", can.operations / 1e9, "GFLOP/s"),
    figure("decode, 1 row", ours.fullMs[1], "ms/token"),
    figure("decode, share of the bound by memory", boundMs / ours.fullMs[1], "of 1"),
    figure("decode, times transformers.js", js.decodeMs / ours.fullMs[1], "x"),
    figure("decode, times llama.cpp", cpp.decodeMs / ours.fullMs[1], "x"),
    figure("8 rows, times 1 row", (8 * ours.fullMs[1]) / ours.fullMs[8], "x"),
    figure("prefill, share of the machine's products", prefill / can.operations, "of 1"),
    figure("memory, times weights and caches", ours.memory.rss / ours.memory.expected, "x"),
    ...ours.skipping.flatMap(({ speedup, rows, measured, arithmetic }) => [
      figure(`${speedup}x by layers, ${rows} rows`, measured, "x"),
      figure(
        `${speedup}x by layers, ${rows} rows, share of the arithmetic`,
        measured / arithmetic,
        "of 1",
      ),
    ]),
  ];
}

/** Runs one part in a process of its own and returns its figures. */
async function run<Figures>(part: string, task: Task): Promise<Figures> {
  console.log(`${task.shape} ${task.format}: ${part}`);
  const file = `${import.meta.dirname}/decode/${part}.ts`;
  const { stdout } = await execa("node", ["--expose-gc", file, JSON.stringify(task)], {
    stderr: "inherit",
  });
  const line = stdout.split("\n").findLast((text) => text.startsWith("figures "));
  if (line === undefined) throw new Error(`${part} gave no figures:\n${stdout}`);
  return JSON.parse(line.slice("figures ".length)) as Figures;
}
