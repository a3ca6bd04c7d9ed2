import { basename } from "node:path";

// The words by which the hub's loader knows a split in the name of a file or of its folder.
const words: Readonly<Record<string, string>> = {
  train: "train",
  training: "train",
  validation: "validation",
  valid: "validation",
  val: "validation",
  dev: "validation",
  test: "test",
  testing: "test",
  eval: "test",
  evaluation: "test",
};

/** The split that a path names: the last word of its that is one, `train` where there is none. */
export function splitOfPath(path: string): string {
  // The shards of splits with names of their own: "easy-00000-of-00002.parquet".
  const [, own] = /^(\w+(?:\.\w+)*)-\d{5}-of-\d{5}\./.exec(basename(path)) ?? [];
  if (own !== undefined) return own;
  const word = path
    .toLowerCase()
    .split(/[^a-z]+/)
    .findLast((part) => Object.hasOwn(words, part));
  return word === undefined ? "train" : words[word]!;
}
