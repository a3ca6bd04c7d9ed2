/** A set of 128-bit keys, 16 bytes each in one table that is at most three quarters full: 21 to 43 bytes a key. */
export class KeySet {
  #slots = new Uint32Array(4 * 1024);
  #size = 0;

  /** How many keys it holds. */
  get size(): number {
    return this.#size;
  }

  /** Adds a key of 32 hexadecimal digits; `false` where it was there already. */
  add(key: string): boolean {
    const words = [0, 8, 16, 24].map((start) => Number.parseInt(key.slice(start, start + 8), 16));
    // The empty slot is all zeros; the one key in 2^128 that is, too, shares the place of its neighbour.
    if (!words.some(Boolean)) words[3] = 1;
    if (!this.#insert(words[0]!, words[1]!, words[2]!, words[3]!)) return false;
    this.#size += 1;
    if (this.#size * 16 > this.#slots.length * 3) this.#grow();
    return true;
  }

  #insert(a: number, b: number, c: number, d: number): boolean {
    const slots = this.#slots;
    const mask = slots.length / 4 - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const at = slot * 4;
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d)
        return false;
      if (slots[at] === 0 && slots[at + 1] === 0 && slots[at + 2] === 0 && slots[at + 3] === 0) {
        slots[at] = a;
        slots[at + 1] = b;
        slots[at + 2] = c;
        slots[at + 3] = d;
        return true;
      }
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 4) {
      const [a, b, c, d] = [old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!];
      if ((a | b | c | d) !== 0) this.#insert(a, b, c, d);
    }
  }
}
