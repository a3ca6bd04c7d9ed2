/** How often each n-gram occurs. */
export type Counts = Map<string, number>;

/** Counts the runs of `order` tokens; a run is its tokens joined by a space, which no token holds. */
export function tokenNgrams(tokens: readonly string[], order: number): Counts {
  const counts: Counts = new Map();
  for (let i = 0; i + order <= tokens.length; i++)
    add(counts, order === 1 ? tokens[i]! : tokens.slice(i, i + order).join(" "));
  return counts;
}

/** Counts the runs of `order` characters (code points) for each order from 1 to `maxOrder`. */
export function characterNgrams(text: string, maxOrder: number): Counts[] {
  const starts = characterStarts(text);
  return Array.from({ length: maxOrder }, (_, index) => {
    const counts: Counts = new Map();
    for (let i = 0; i + index + 1 < starts.length; i++)
      add(counts, text.slice(starts[i], starts[i + index + 1]));
    return counts;
  });
}

/** How many n-grams two texts share, each counted as often as it occurs in both. */
export function overlap(a: Counts, b: Counts): number {
  let shared = 0;
  for (const [ngram, count] of a) shared += Math.min(count, b.get(ngram) ?? 0);
  return shared;
}

/** How many n-grams there are, with repetitions. */
export function total(counts: Counts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

const add = (counts: Counts, ngram: string): void => {
  counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
};

/** Where each code point starts, and where the text ends. */
function characterStarts(text: string): number[] {
  const starts = [0];
  for (const character of text) starts.push(starts.at(-1)! + character.length);
  return starts;
}
