// Rows of any tool become records; what is bad leaves the stream with its reason; files change in one step.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { collect, readRows, writeRows } from "@postgrad/dataset";
import { type Drop, records } from "@postgrad/schema";

const folder = mkdtempSync(join(tmpdir(), "postgrad-"));
writeFileSync(
  `${folder}/alpaca.jsonl`,
  '{"instruction":"Name a metal.","output":"Iron."}\nno row\n{"instruction":"2 + 2?","output":"4"}\n',
);

const dropped: Drop[] = [];
const onDrop = (drop: Drop): void => void dropped.push(drop);
const rows = readRows(`${folder}/alpaca.jsonl`, records.example, { onBadRow: "skip", onDrop });
const { rows: count } = await writeRows(`${folder}/examples.jsonl.zst`, rows, records.example);

console.log(count, await collect(readRows(`${folder}/examples.jsonl.zst`)));
console.log(dropped.map(({ code, line, row }) => ({ code, line, row })));
