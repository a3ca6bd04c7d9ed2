import { mix } from "../tokens.ts";
import type { Bands } from "./bands.ts";
import { similarity, type Signature } from "./signature.ts";

/** What was found for a signature. */
export interface Near {
  /** Number of the entry, counted from 0 in the order of `add`. */
  readonly entry: number;
  readonly similarity: number;
}

/**
 * Signatures by their bands. Numbers are kept with 16 of their 32 bits (b-bit minwise hashing: two different ones agree
 * once in 65,536): with 128 permutations in 25 bands an entry takes about 256 + 25 * 12 bytes.
 */
export class SignatureIndex {
  readonly #bands: Bands;
  readonly #width: number;
  #signatures: Uint16Array;
  /** For each entry and band the entry before it in the same bucket, plus 1; 0 where there is none. */
  #before: Uint32Array;
  /** Per band a table from bucket hash to its last entry, plus 1. */
  #tables: BucketTable[];
  #size = 0;

  constructor(permutations: number, bands: Bands) {
    this.#bands = bands;
    this.#width = permutations;
    this.#signatures = new Uint16Array(1024 * permutations);
    this.#before = new Uint32Array(1024 * bands.bands);
    this.#tables = Array.from({ length: bands.bands }, () => new BucketTable());
  }

  get size(): number {
    return this.#size;
  }

  /** The entry most like `signature` among those that share a bucket with it and reach `threshold`. */
  nearest(signature: Signature, threshold: number): Near | undefined {
    const wanted = new Uint16Array(signature);
    const seen = new Set<number>();
    let best: Near | undefined;
    for (let band = 0; band < this.#bands.bands; band++) {
      for (let next = this.#tables[band]!.get(this.#bucket(signature, band)); next > 0;) {
        const entry = next - 1;
        next = this.#before[entry * this.#bands.bands + band]!;
        if (seen.has(entry)) continue;
        seen.add(entry);
        const kept = this.#signatures.subarray(entry * this.#width, (entry + 1) * this.#width);
        const found = similarity(wanted, kept);
        if (
          found >= threshold &&
          (!best || found > best.similarity || (found === best.similarity && entry < best.entry))
        ) {
          best = { entry, similarity: found };
        }
      }
    }
    return best;
  }

  add(signature: Signature): void {
    const { bands } = this.#bands;
    const entry = this.#size;
    this.#size += 1;
    if (this.#size * this.#width > this.#signatures.length) {
      this.#signatures = doubled(this.#signatures, Uint16Array);
      this.#before = doubled(this.#before, Uint32Array);
    }
    this.#signatures.set(new Uint16Array(signature), entry * this.#width);
    for (let band = 0; band < bands; band++) {
      this.#before[entry * bands + band] = this.#tables[band]!.replace(
        this.#bucket(signature, band),
        entry + 1,
      );
    }
  }

  #bucket(signature: Signature, band: number): number {
    const { rows } = this.#bands;
    let hash = band + 1;
    for (let i = band * rows; i < (band + 1) * rows; i++)
      hash = mix(Math.imul(hash, 0x9e3779b1) ^ signature[i]!);
    return hash || 1;
  }
}

/** From 32-bit hashes (not 0) to 32-bit numbers, open addressing, at most half full. */
class BucketTable {
  #slots = new Uint32Array(2 * 1024);
  #size = 0;

  /** 0 where the hash is not there. */
  get(hash: number): number {
    return this.#slots[this.#find(hash) + 1]!;
  }

  /** Sets the number of `hash` and returns the one it had, 0 where it had none. */
  replace(hash: number, value: number): number {
    const at = this.#find(hash);
    const old = this.#slots[at + 1]!;
    this.#slots[at] = hash;
    this.#slots[at + 1] = value;
    if (old === 0) this.#size += 1;
    if (this.#size * 4 > this.#slots.length) this.#grow();
    return old;
  }

  #find(hash: number): number {
    const mask = this.#slots.length / 2 - 1;
    let slot = hash & mask;
    while (this.#slots[slot * 2] !== 0 && this.#slots[slot * 2] !== hash) slot = (slot + 1) & mask;
    return slot * 2;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at] === 0) continue;
      const to = this.#find(old[at]!);
      this.#slots[to] = old[at]!;
      this.#slots[to + 1] = old[at + 1]!;
    }
  }
}

function doubled<Numbers extends Uint16Array | Uint32Array>(
  old: Numbers,
  Type: new (length: number) => Numbers,
): Numbers {
  const grown = new Type(old.length * 2);
  grown.set(old);
  return grown;
}
