import { createHash } from "node:crypto";

import {
  chain,
  dedup,
  nearDedup,
  passages as cut,
  readRows,
  readSeeds,
  splitter,
  type Transform,
  writeRows,
} from "@postgrad/dataset";
import { records } from "@postgrad/schema";

import type { Stage } from "./stage.ts";

// What this pipeline writes must not become what it reads.
const ignore = ["node_modules", "dist", "build", "target", "__pycache__", "venv", "runs"];

const seeds: Stage = {
  name: "seeds",
  summary: "raw documents and code, each once",
  inputs: [],
  version: 1,
  settings: async ({ seeds: folder }) => {
    const hash = createHash("sha256");
    for await (const { id, source } of readSeeds(folder, { ignore }))
      hash.update(`${source}\0${id}\n`);
    return { folder, content: hash.digest("hex") };
  },
  run: async ({ seeds: folder, out, onDrop }) => {
    const count = counter();
    const documents = count.rows(readSeeds(folder, { ignore, onDrop }));
    const { rows } = await writeRows(
      out,
      chain<object>(dedup({ onDrop }), nearDedup({ onDrop }))(documents),
      records.seed,
    );
    return { in: count.total, out: rows };
  },
};

const passages: Stage = {
  name: "passages",
  summary: "documents cut at their own structure",
  inputs: ["seeds"],
  version: 1,
  settings: () => ({}),
  run: async ({ rowsOf, out, onDrop }) => {
    const count = counter();
    const documents = count.rows(readRows(rowsOf("seeds"), records.seed));
    const pieces = dedup<object>({ onDrop })(cut()(documents));
    const { rows } = await writeRows(out, pieces, records.passage);
    return { in: count.total, out: rows };
  },
};

const split: Stage = {
  name: "split",
  summary: "train, validation and test, by source document",
  inputs: ["passages"],
  version: 1,
  settings: ({ config: { seed } }) => ({ seed }),
  run: async ({ config: { seed }, rowsOf, out }) => {
    const count = counter();
    const splitOf = splitter({ train: 0.8, validation: 0.1, test: 0.1 }, { seed });
    const pieces = count.rows(readRows(rowsOf("passages"), records.passage));
    const { rows } = await writeRows(out, pieces, records.passage, { splitOf });
    return { in: count.total, out: rows };
  },
};

/** Every stage, in the order in which they run. Adding one is an entry here. */
export const stages: readonly Stage[] = [seeds, passages, split];

function counter(): {
  total: number;
  rows: <Row>(stream: AsyncIterable<Row>) => ReturnType<Transform<Row>>;
} {
  const count = {
    total: 0,
    rows: async function* <Row>(stream: AsyncIterable<Row>): AsyncGenerator<Row> {
      for await (const row of stream) {
        count.total += 1;
        yield row;
      }
    },
  };
  return count;
}
