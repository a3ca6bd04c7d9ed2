import { readRows, type Shares, sourceGroups, splitter, writeRows } from "@postgrad/dataset";
import { PostgradError } from "@postgrad/schema";
import { Type } from "typebox";

import { badRowOptions, badRows } from "./bad-rows.ts";
import { defineCommand } from "./command.ts";
import { pathOf } from "./paths.ts";
import { reportWritten } from "./report-written.ts";

export const split = defineCommand({
  name: "split",
  summary: "splits rows by source document, so that no document is in two splits",
  example: "postgrad split rows.jsonl splits --share train=0.9 --share test=0.1",
  positionals: ["in", "out"],
  options: Type.Object(
    {
      in: Type.String({ description: "file or folder of records" }),
      out: Type.String({ description: "folder to write, in the hub's layout with a card" }),
      share: Type.Array(Type.String(), {
        default: ["train=0.9", "validation=0.05", "test=0.05"],
        description: "NAME=SHARE of a split",
      }),
      format: Type.Enum(["parquet", "jsonl"], { default: "parquet", description: "of the files" }),
      seed: Type.Integer({ default: 0, minimum: 0, description: "another seed, another split" }),
      ...badRowOptions,
    },
    { additionalProperties: false },
  ),
  run: async ({ in: source, out, share, format, seed, ...bad }, context) => {
    const shares = sharesOf(share);
    const drops = badRows(bad, out, context);
    await using _ = drops.log;
    const path = pathOf(context, source);
    // Two passes: which documents hang together is known only when all rows have been seen.
    const groups = await sourceGroups(
      readRows(path, undefined, { ...drops.options, onDrop: () => {} }),
    );
    const splitOf = splitter(shares, { seed, groups });
    const rows = readRows(path, undefined, drops.options);
    await reportWritten(
      context,
      await writeRows(`${pathOf(context, out)}/`, rows, undefined, { format, splitOf }),
      drops,
    );
  },
});

function sharesOf(words: readonly string[]): Shares {
  return Object.fromEntries(
    words.map((word) => {
      const [, name, share] = /^([\w-]+)=(\d*\.?\d+)$/.exec(word) ?? [];
      if (name === undefined)
        throw new PostgradError(
          "cli/value",
          `--share: found "${word}", expected NAME=SHARE, e.g. train=0.9`,
        );
      return [name, Number(share)];
    }),
  );
}
