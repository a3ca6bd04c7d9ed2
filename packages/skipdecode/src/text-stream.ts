import type { TextCodec } from "./engine.ts";

/** What a token added to the text of a row. */
export interface TextStep {
  /** Text that is certain now. */
  readonly text: string;
  /** The stop text that has been reached; it and what follows are no part of the text. */
  readonly stop?: string;
}

/**
 * The text of a row as its tokens come in. A token may end in the middle of a character, and a stop text may begin in one
 * token and end in another: text is given out as soon as it can no longer change, and not before.
 */
export class TextStream {
  readonly #codec: TextCodec | undefined;
  readonly #stops: readonly string[];
  readonly #tokens: number[] = [];
  /** Tokens from here on are decoded again: enough to see how the last ones join those before. */
  #from = 0;
  /** Tokens up to here have been given out as text. */
  #done = 0;
  #held = "";

  constructor(codec: TextCodec | undefined, stops: readonly string[] = []) {
    this.#codec = codec;
    this.#stops = stops;
  }

  push(token: number): TextStep {
    if (!this.#codec) return { text: "" };
    this.#tokens.push(token);
    const added = this.#added(this.#codec);
    // An unfinished character decodes to the replacement character; more bytes may complete it.
    if (added === "" || added.endsWith("\uFFFD")) return { text: "" };
    this.#from = this.#done;
    this.#done = this.#tokens.length;
    return this.#release(added);
  }

  /** Text that was held back, once no more tokens come. */
  flush(): TextStep {
    const rest = this.#codec ? this.#added(this.#codec) : "";
    this.#done = this.#tokens.length;
    const { text, stop } = this.#release(rest);
    if (stop !== undefined) return { text, stop };
    const held = this.#held;
    this.#held = "";
    return { text: text + held };
  }

  #added(codec: TextCodec): string {
    const before = codec.decode(this.#tokens.slice(this.#from, this.#done));
    return codec.decode(this.#tokens.slice(this.#from)).slice(before.length);
  }

  /** Gives out all of what is held and `added` but a tail that may be the beginning of a stop text. */
  #release(added: string): TextStep {
    const text = this.#held + added;
    const found = firstOf(text, this.#stops);
    if (found) {
      this.#held = "";
      return { text: text.slice(0, found.at), stop: found.stop };
    }
    const tail = longestStart(text, this.#stops);
    this.#held = text.slice(text.length - tail);
    return { text: text.slice(0, text.length - tail) };
  }
}

/** The stop text that begins first; the longest of several at one place. */
function firstOf(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  return stops
    .map((stop) => ({ at: text.indexOf(stop), stop }))
    .filter(({ at }) => at >= 0)
    .toSorted((a, b) => a.at - b.at || b.stop.length - a.stop.length)[0];
}

/** Length of the longest end of `text` that is the beginning of a stop text. */
function longestStart(text: string, stops: readonly string[]): number {
  const most = Math.min(text.length, Math.max(0, ...stops.map((stop) => stop.length - 1)));
  for (let length = most; length > 0; length--) {
    if (stops.some((stop) => stop.startsWith(text.slice(text.length - length)))) return length;
  }
  return 0;
}
