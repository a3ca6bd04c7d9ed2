import type { State } from "./automaton.ts";
import { freeText, isPlain } from "./text.ts";

/** The bytes that each token id stands for, in order of the ids; undefined for special tokens and for unused ids. */
export type TokenBytes = readonly (Uint8Array | undefined)[];

/** The tokens of a model, laid out so that the ones that may follow a state are found in one pass. */
export interface Vocabulary {
  readonly bytes: TokenBytes;
  /** The tokens all of whose bytes lead on from `state`, as bits: token t is bit t % 32 of word t / 32. */
  allowed(state: State): Uint32Array;
}

/** Lays out a vocabulary; some hundred milliseconds for 100,000 tokens, once a model. */
export function vocabulary(bytes: TokenBytes): Vocabulary {
  const tokens = Array.from(bytes.keys()).filter((token) => (bytes[token]?.length ?? 0) > 0);
  const sorted = tokens.toSorted((a, b) => compare(bytes[a]!, bytes[b]!));
  // Within a string most tokens are plain text and may follow whatever the schema says: they need no walk.
  const plain = new Uint32Array(Math.ceil(bytes.length / 32));
  for (const token of sorted) if (isText(bytes[token]!)) add(plain, token);
  const all = ordered(sorted, bytes);
  const rest = ordered(
    sorted.filter((token) => !isText(bytes[token]!)),
    bytes,
  );
  return {
    bytes,
    allowed: (state) => {
      const isInText = state.open.has(freeText);
      const allowed = isInText ? plain.slice() : new Uint32Array(plain.length);
      walk(isInText ? rest : all, state, bytes, allowed);
      return allowed;
    },
  };
}

/** Tokens in order of their bytes, each with the number of first bytes that it shares with the one before it. */
interface Ordered {
  readonly tokens: readonly number[];
  readonly shared: readonly number[];
}

function ordered(tokens: readonly number[], bytes: TokenBytes): Ordered {
  const shared = tokens.map((token, i) =>
    i === 0 ? 0 : common(bytes[token]!, bytes[tokens[i - 1]!]!),
  );
  return { tokens, shared };
}

/** Walks the vocabulary as a tree: what two neighbours share is walked once, and a dead branch is passed over. */
function walk(
  { tokens, shared }: Ordered,
  start: State,
  bytes: TokenBytes,
  allowed: Uint32Array,
): void {
  const path: State[] = [start];
  let alive = 0; // bytes of the last walked token that led on
  for (let i = 0; i < tokens.length; i++) {
    let depth = shared[i]!;
    if (depth > alive) continue;
    const token = bytes[tokens[i]!]!;
    for (; depth < token.length; depth++) {
      const next = path[depth]!.next(token[depth]!);
      if (!next) break;
      path[depth + 1] = next;
    }
    alive = depth;
    if (depth === token.length) add(allowed, tokens[i]!);
  }
}

function add(bits: Uint32Array, token: number): void {
  bits[token >>> 5]! |= 1 << (token & 31);
}

/** Whole characters that stand in a JSON string as they are. */
function isText(token: Uint8Array): boolean {
  return token.every((byte) => byte >= 0x80 || isPlain(byte)) && isWellFormed(token);
}

function isWellFormed(token: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(token);
    return true;
  } catch {
    return false;
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const at = common(a, b);
  return (a[at] ?? -1) - (b[at] ?? -1);
}

function common(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a[at] === b[at]) at++;
  return at;
}
