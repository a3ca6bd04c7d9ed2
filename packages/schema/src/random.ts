/** A source of randomness: each call gives a number in [0, 1). `Math.random` has this type; a seeded one repeats. */
export type Random = () => number;

/**
 * A seeded source of randomness: the same seed gives the same numbers on every machine. Each number has 53 random bits.
 * A number and its text are the same seed, so that parts can be named: `random(`${seed}/${shard}`)`.
 *
 * Source: xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021); its state is
 * four words of a hash of the seed.
 */
export function random(seed: number | string): Random {
  const next = xoshiro128(stateOf(String(seed)));
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** The generator itself: each call steps the four 32-bit words of `state` and gives 32 bits. */
export function xoshiro128(state: Uint32Array): () => number {
  const s = Uint32Array.from(state);
  return () => {
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotate(s[3]!, 11);
    return result;
  };
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** FNV-1a over the text, then four steps of splitmix32, so that seeds that look alike start far apart. */
function stateOf(seed: string): Uint32Array {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  return Uint32Array.from({ length: 4 }, () => {
    hash = (hash + 0x9e3779b9) | 0;
    let word = hash ^ (hash >>> 16);
    word = Math.imul(word, 0x21f0aaad);
    word ^= word >>> 15;
    word = Math.imul(word, 0x735a2d97);
    return word ^ (word >>> 15);
  });
}
