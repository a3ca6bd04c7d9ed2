import { kindOf, type Meta, type RawRow } from "@postgrad/schema";

/** What a stream of rows consists of. Counts are by value, most frequent first. */
export interface Profile {
  readonly rows: number;
  /** Rows by kind of record; `other` where it cannot be told. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly languages: Readonly<Record<string, number>>;
  readonly licenses: Readonly<Record<string, number>>;
  readonly skills: Readonly<Record<string, number>>;
  readonly strategies: Readonly<Record<string, number>>;
  /** Characters of all texts: turns of conversations, texts of documents. */
  readonly characters: number;
  /** Turns of all conversations. */
  readonly turns: number;
}

/** Counts rows as they pass. */
export interface Profiler {
  add(row: object): void;
  profile(): Profile;
}

/** A profiler that has seen nothing. Its size depends on the number of distinct values, not of rows. */
export function profiler(): Profiler {
  let [rows, characters, turns] = [0, 0, 0];
  const kinds = new Map<string, number>();
  const metas: Record<"language" | "license" | "skill" | "strategy", Map<string, number>> = {
    language: new Map(),
    license: new Map(),
    skill: new Map(),
    strategy: new Map(),
  };

  const addTurns = (side: unknown): void => {
    if (!Array.isArray(side)) return;
    for (const turn of side as { content?: unknown }[]) {
      turns += 1;
      if (typeof turn?.content === "string") characters += turn.content.length;
    }
  };

  return {
    add: (row) => {
      rows += 1;
      count(kinds, kindOf(row)?.name ?? "other");
      const { meta, license, text, messages, prompt, chosen, rejected } = row as RawRow;
      const known = { license, ...(meta as Meta | undefined) } as RawRow;
      for (const [field, counts] of Object.entries(metas)) {
        const value = known[field];
        if (typeof value === "string") count(counts, value);
      }
      if (typeof text === "string") characters += text.length;
      for (const side of [messages, prompt, chosen, rejected]) addTurns(side);
    },
    profile: () => ({
      rows,
      kinds: counted(kinds),
      languages: counted(metas.language),
      licenses: counted(metas.license),
      skills: counted(metas.skill),
      strategies: counted(metas.strategy),
      characters,
      turns,
    }),
  };
}

/** The profile of all rows. */
export async function profileOf(rows: AsyncIterable<object>): Promise<Profile> {
  const counts = profiler();
  for await (const row of rows) counts.add(row);
  return counts.profile();
}

function count(counts: Map<string, number>, value: string): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}

function counted(counts: ReadonlyMap<string, number>): Record<string, number> {
  const byCount = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return Object.fromEntries(byCount);
}
