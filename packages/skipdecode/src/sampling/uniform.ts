// Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a draw is a function
// of (seed, stream, index) and of nothing else, so a row's draws do not depend on the rows beside it.

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** Two 32-bit words from a key of two and a counter of two. */
export function threefry2x32(
  key: readonly [number, number],
  counter: readonly [number, number],
): [number, number] {
  const keys = [key[0] | 0, key[1] | 0, 0x1bd11bda ^ key[0] ^ key[1]] as const;
  let a = (counter[0] + keys[0]) | 0;
  let b = (counter[1] + keys[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const by = rotations[round % 8]!;
    a = (a + b) | 0;
    b = ((b << by) | (b >>> (32 - by))) ^ a;
    if (round % 4 === 3) {
      const step = (round + 1) / 4;
      a = (a + keys[step % 3]!) | 0;
      b = (b + keys[(step + 1) % 3]! + step) | 0;
    }
  }
  return [a >>> 0, b >>> 0];
}

/** A number in [0, 1) with 53 random bits, for one use (`stream`) at one place (`index`) of the row that has this seed. */
export function uniform(seed: number, stream: number, index: number): number {
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const;
  const [high, low] = threefry2x32(key, [index, stream]);
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}
