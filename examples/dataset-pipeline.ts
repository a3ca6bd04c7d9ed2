// From a folder of documents to a data set that the hub's loader reads: documents, passages, dedup, splits, card.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  dedup,
  passages,
  profileOf,
  readRows,
  readSeeds,
  sourceGroups,
  splitter,
  writeRows,
} from "@postgrad/dataset";
import { type Drop, records } from "@postgrad/schema";

const folder = mkdtempSync(join(tmpdir(), "postgrad-"));
mkdirSync(`${folder}/documents`);
for (let n = 0; n < 20; n++) {
  writeFileSync(`${folder}/documents/${n}.md`, `# Number ${n}\n\nTwice ${n} is ${2 * n}.\n`);
}
writeFileSync(`${folder}/documents/picture.png`, Buffer.from([0x89, 0x50, 0]));

// 1. documents, cut at their own structure; what is no text is told, not thrown
const dropped: Drop[] = [];
const onDrop = (drop: Drop): void => void dropped.push(drop);
const seeds = readSeeds(`${folder}/documents`, { license: "CC0-1.0", onDrop });
const pieces = dedup()(passages({ maxLength: 2000 })(seeds));
await writeRows(`${folder}/passages.jsonl.zst`, pieces, records.passage);
console.log(dropped.map(({ code }) => code));

// 2. splits by document, written as Parquet with a card, all at once
const groups = await sourceGroups(readRows(`${folder}/passages.jsonl.zst`));
const splitOf = splitter({ train: 0.8, test: 0.2 }, { seed: 1, groups });
const card = { title: "Numbers, doubled", tasks: ["text-generation"] };
const rows = readRows(`${folder}/passages.jsonl.zst`, records.passage);
const written = await writeRows(`${folder}/data`, rows, records.passage, { splitOf, card });
console.log(written.rows, "rows");

// 3. what it holds
console.log(await profileOf(readRows(`${folder}/data`, undefined, { split: "train" })));
console.log(readFileSync(`${folder}/data/README.md`, "utf8").split("\n").slice(0, 18).join("\n"));
