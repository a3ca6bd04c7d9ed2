/** A piece of what a model wrote: text for the reader, or a call of a tool. */
export type AnswerPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "call"; readonly name: string; readonly arguments: string };

const opening = "<tool_call>";
const closing = "</tool_call>";

/**
 * Tells calls of tools from text while both come in. Two notations are read: `<tool_call>{"name": ..., "arguments":
 * {...}}</tool_call>` anywhere (Hermes, Qwen), and an answer that is nothing but such an object or a list of them, with
 * `arguments` or `parameters` (Llama 3, Mistral). What looks like a call and is none, or is of a tool that was not
 * offered, stays text.
 */
export class AnswerReader {
  readonly #tools: ReadonlySet<string>;
  /** Text that is not certain yet. */
  #held = "";
  #hasText = false;

  /** @param tools Names of the tools that the model may call; without any, everything is text. */
  constructor(tools: Iterable<string>) {
    this.#tools = new Set(tools);
  }

  /** Takes more of the answer and gives what has become certain. */
  push(text: string): AnswerPart[] {
    if (this.#tools.size === 0) return text === "" ? [] : [{ type: "text", text }];
    this.#held += text;
    if (!this.#hasText && /^\s*([[{]|$)/.test(this.#held)) return []; // may be JSON as a whole
    return this.#release();
  }

  /** What was held back, once no more comes. */
  end(): AnswerPart[] {
    const calls = this.#hasText ? undefined : this.#callsIn(this.#held);
    if (calls) {
      this.#held = "";
      return calls;
    }
    const parts = this.#release();
    if (this.#held !== "") parts.push(this.#text(this.#held));
    this.#held = "";
    return parts;
  }

  #release(): AnswerPart[] {
    const parts: AnswerPart[] = [];
    for (let at = this.#held.indexOf(opening); at >= 0; at = this.#held.indexOf(opening)) {
      const before = this.#held.slice(0, at);
      if (before.trim() !== "") parts.push(this.#text(before));
      const end = this.#held.indexOf(closing, at);
      this.#held = this.#held.slice(at);
      if (end < 0) return parts;
      const block = this.#held.slice(0, end - at + closing.length);
      const inner = block.slice(opening.length, -closing.length);
      parts.push(...(this.#callsIn(inner) ?? [this.#text(block)]));
      this.#held = this.#held.slice(block.length);
    }
    const tail = longestStart(this.#held, opening);
    const certain = this.#held.slice(0, this.#held.length - tail);
    this.#held = this.#held.slice(certain.length);
    if (certain !== "") parts.push(this.#text(certain));
    return parts;
  }

  #text(text: string): AnswerPart {
    this.#hasText = true;
    return { type: "text", text };
  }

  #callsIn(text: string): AnswerPart[] | undefined {
    const value = parsed(text);
    const calls = (Array.isArray(value) ? value : [value]).map((one) => this.#call(one));
    return calls.length > 0 && calls.every((call) => call !== undefined) ? calls : undefined;
  }

  #call(value: unknown): AnswerPart | undefined {
    if (typeof value !== "object" || value === null || !("name" in value)) return undefined;
    const { name } = value;
    const given =
      ("arguments" in value && value.arguments) || ("parameters" in value && value.parameters);
    if (typeof name !== "string" || !this.#tools.has(name)) return undefined;
    return { type: "call", name, arguments: JSON.stringify(given || {}) };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: then it is text
  }
}

/** Length of the longest end of `text` that is the beginning of `mark`. */
function longestStart(text: string, mark: string): number {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length--) {
    if (mark.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
