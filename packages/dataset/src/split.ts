import { hash } from "node:crypto";

import { type Meta, PostgradError } from "@postgrad/schema";

import { idOf } from "./content-id.ts";

/** Names of splits with their shares, e.g. `{ train: 0.9, validation: 0.05, test: 0.05 }`. */
export type Shares = Readonly<Record<string, number>>;

/** The documents that a row was made from: `meta.lineage.seeds`, a passage's `seed`, or the row itself. */
export function sourcesOf(row: object): readonly string[] {
  const { meta, seed } = row as { meta?: Meta; seed?: unknown };
  const seeds = meta?.lineage?.seeds ?? (typeof seed === "string" ? [seed] : []);
  return seeds.length > 0 ? seeds : [idOf(row)];
}

/** Documents that some row was made from together belong to one group. Memory grows with such documents only. */
export class SourceGroups {
  readonly #parent = new Map<string, string>();

  /** Takes one row's documents. */
  add(row: object): void {
    const [first, ...rest] = sourcesOf(row);
    for (const other of rest) this.#join(first!, other);
  }

  /** The name of the group: its smallest document id, whatever the order of the rows. */
  of(source: string): string {
    let root = source;
    for (let next = this.#parent.get(root); next !== undefined; next = this.#parent.get(root))
      root = next;
    // Later look-ups go there directly.
    for (let at = source; at !== root;) {
      const next = this.#parent.get(at)!;
      this.#parent.set(at, root);
      at = next;
    }
    return root;
  }

  #join(a: string, b: string): void {
    const [x, y] = [this.of(a), this.of(b)];
    if (x !== y) this.#parent.set(x < y ? y : x, x < y ? x : y);
  }
}

/** The groups of a stream's rows: the first of two passes over the data. */
export async function sourceGroups(rows: AsyncIterable<object>): Promise<SourceGroups> {
  const groups = new SourceGroups();
  for await (const row of rows) groups.add(row);
  return groups;
}

/**
 * Tells the split of a row. Rows that share a source document, also by way of others, get the same one, so that no
 * document is seen in training and in test. The split hangs on seed and group alone: rows that are added later change
 * nothing for those there were, unless they join two groups.
 *
 * `groups` is needed where rows have several documents (`sourceGroups`); shares are scaled to sum to 1.
 *
 * @throws PostgradError `dataset/shares` where a share is negative or all are 0; `dataset/groups` for a row of several
 * documents without `groups`.
 */
export function splitter(
  shares: Shares,
  { seed = 0, groups }: { seed?: number; groups?: SourceGroups } = {},
): (row: object) => string {
  const names = Object.keys(shares);
  const total = names.reduce((sum, name) => sum + shares[name]!, 0);
  const wrong = names.find((name) => !(shares[name]! >= 0));
  if (wrong !== undefined || !(total > 0 && Number.isFinite(total))) {
    throw new PostgradError(
      "dataset/shares",
      `shares: found ${JSON.stringify(shares)}, expected numbers from 0 on, at least one of them above it`,
    );
  }
  return (row) => {
    const sources = sourcesOf(row);
    if (sources.length > 1 && !groups) {
      throw new PostgradError(
        "dataset/groups",
        `row ${idOf(row)} comes from ${sources.length} documents: make \`groups\` with sourceGroups() first`,
      );
    }
    const group = groups?.of(sources[0]!) ?? sources[0]!;
    let place = fraction(`${seed}/${group}`) * total;
    return (
      names.find((name) => (place -= shares[name]!) < 0) ??
      names.findLast((name) => shares[name]! > 0)!
    );
  };
}

/** A number in [0, 1) that hangs on the text alone. */
function fraction(text: string): number {
  return Number.parseInt(hash("sha256", text).slice(0, 12), 16) / 2 ** 48;
}
