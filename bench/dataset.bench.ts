// How fast rows go in and out of files, and that memory stays flat: 10,000, 100,000 and 1,000,000 records through read,
// dedup, split and write, each in a process of its own. `ROWS=100000` leaves the larger sizes out.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";

import { readRows, writeRows } from "@postgrad/dataset";
import { random, records } from "@postgrad/schema";
import { execa } from "execa";

import { type Figure, rate, report } from "./measure.ts";

const folder = mkdtempSync(`${tmpdir()}/postgrad-bench-`);
const words = (() => {
  const draw = random("dataset benchmark");
  return (n: number): string =>
    Array.from({ length: n }, () => `word${Math.floor(draw() ** 3 * 20_000)}`).join(" ");
})();

const example = (n: number) => ({
  schema: "example/1",
  id: `row-${n}`,
  messages: [
    { role: "user", content: words(40) },
    { role: "assistant", content: words(80) },
  ],
  meta: { skill: "arithmetic", language: "en", lineage: { seeds: [`seed-${n >> 3}`] } },
});

async function* generated(count: number): AsyncGenerator<object> {
  for (let n = 0; n < count; n++) yield example(n);
}
async function* stream<Row>(rows: readonly Row[]): AsyncGenerator<Row> {
  yield* rows;
}
async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows);
}

const count = 60_000;
const figures: Figure[] = [];
try {
  const rows = Array.from({ length: count }, (_, n) => example(n));
  await writeRows(`${folder}/a.jsonl`, stream(rows));
  const megabytes = statSync(`${folder}/a.jsonl`).size / 1e6;

  // The bounds: what the engine takes for the JSON alone, and for handing rows on one by one.
  const lines = rows.map((row) => JSON.stringify(row));
  figures.push(
    await rate("JSON.parse alone", megabytes, "MB", () =>
      lines.forEach((line) => JSON.parse(line)),
    ),
    await rate("JSON.stringify alone", megabytes, "MB", () =>
      rows.forEach((row) => JSON.stringify(row)),
    ),
    await rate("an async stream of rows alone", count, "rows", () => drain(stream(rows))),
  );
  for (const ending of ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"]) {
    const path = `${folder}/b.${ending}`;
    const rounds = 3;
    figures.push(
      await rate(`write ${ending}`, megabytes, "MB", () => writeRows(path, stream(rows)), rounds),
      await rate(`read ${ending}`, megabytes, "MB", () => drain(readRows(path)), rounds),
    );
  }
  figures.push(
    await rate("read jsonl, checked", megabytes, "MB", () =>
      drain(readRows(`${folder}/b.jsonl`, records.example)),
    ),
    await rate(
      "write parquet, rows",
      count,
      "rows",
      () => writeRows(`${folder}/b.parquet`, stream(rows)),
      1,
    ),
    await rate(
      "read parquet, rows",
      count,
      "rows",
      () => drain(readRows(`${folder}/b.parquet`)),
      1,
    ),
  );
  rows.length = 0;

  const most = Number(process.env["ROWS"] ?? 1_000_000);
  for (const size of [10_000, 100_000, 1_000_000].filter((n) => n <= most)) {
    await writeRows(`${folder}/large.jsonl`, generated(size));
    for (const [format, target] of [
      ["JSONL", "out.jsonl"],
      ["a Parquet folder", "out"],
    ] as const) {
      figures.push(...(await memory(size, format, `${folder}/large.jsonl`, `${folder}/${target}`)));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report("dataset", figures);

/** The peak of resident memory and the rate of read, dedup, split and write in a fresh process. */
async function memory(size: number, format: string, from: string, to: string): Promise<Figure[]> {
  const program = `${import.meta.dirname}/programs/dataset-memory.ts`;
  const { stdout } = await execa(process.execPath, [program, from, to]);
  const { peak, rows, seconds } = JSON.parse(stdout) as {
    peak: number;
    rows: number;
    seconds: number;
  };
  if (rows !== size) throw new Error(`${rows} of ${size} rows came out`);
  const figure = (name: string, value: number, unit: string): Figure => ({
    name: `${name}, ${size.toLocaleString("en-US")} rows to ${format}`,
    value,
    low: value,
    high: value,
    unit,
  });
  return [
    figure("peak memory", peak / 1e6, "MB"),
    figure("read, dedup, split, write", rows / seconds, "rows/s"),
  ];
}
