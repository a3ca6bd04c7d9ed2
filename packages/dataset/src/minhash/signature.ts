import { random } from "@postgrad/schema";

import { hashToken, mix, tokens } from "../tokens.ts";

/** One number for each permutation: the smallest hash of the text's word n-grams under it. */
export type Signature = Uint32Array;

/** Makes signatures; two texts agree in a share of their numbers that estimates the Jaccard similarity of their n-grams. */
export type Signer = (texts: readonly string[]) => Signature;

/**
 * A signer with `permutations` hash functions drawn under `seed`, over word n-grams. A text of fewer than n words counts
 * as one n-gram; a text without words has an all-ones signature.
 *
 * Source: Broder, "On the resemblance and containment of documents" (1997).
 */
export function minHash({
  permutations,
  ngram,
  seed,
}: {
  permutations: number;
  ngram: number;
  seed: number | string;
}): Signer {
  const draw = random(`minhash/${seed}`);
  // h(x) = a x + b over 32 bits, a odd: with x spread over all bits already, its smallest value is as good as drawn.
  const factors = Uint32Array.from({ length: permutations }, () => (draw() * 2 ** 32) | 1);
  const offsets = Uint32Array.from({ length: permutations }, () => draw() * 2 ** 32);
  return (texts) => {
    const signature = new Uint32Array(permutations).fill(0xffffffff);
    for (const text of texts) {
      for (const shingle of shingles(text, ngram)) {
        for (let i = 0; i < permutations; i++) {
          const hash = (Math.imul(shingle, factors[i]!) + offsets[i]!) >>> 0;
          if (hash < signature[i]!) signature[i] = hash;
        }
      }
    }
    return signature;
  };
}

/** Hashes of the distinct word n-grams of a text. */
export function shingles(text: string, n: number): Set<number> {
  const words = tokens(text).map(hashToken);
  const found = new Set<number>();
  const last = Math.max(0, words.length - n);
  for (let start = 0; start <= last && words.length > 0; start++) {
    let hash = 0;
    for (let i = start; i < Math.min(start + n, words.length); i++)
      hash = Math.imul(hash, 0x01000193) + words[i]!;
    found.add(mix(hash));
  }
  return found;
}

/** The share of numbers in which two signatures agree: an estimate of the Jaccard similarity. */
export function similarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same += 1;
  return same / a.length;
}
