import type { TextCodec } from "./engine.ts";
import type { FinishReason, GenerateEvent, GenerateRow, TokenLogprob } from "./generate.ts";
import type { TokenConstraint } from "./sampling/constraint.ts";
import { type Distribution, distribution, draw } from "./sampling/distribution.ts";
import { argmax, logSumExp, penalise, topTokens } from "./sampling/logits.ts";
import { uniform } from "./sampling/uniform.ts";
import { TextStream } from "./text-stream.ts";

/** What a row's random draws are used for; each use has a stream of its own. */
export const streams = { token: 0, accept: 1, residual: 2, draft: 3 } as const;

/** One row on its way: its tokens so far, what may follow, and when it ends. */
export class Row {
  /** The row's place in the request. */
  readonly place: number;
  readonly request: GenerateRow;
  /** New tokens so far. */
  readonly tokens: number[] = [];
  /** Exact mode's account. */
  readonly drafts = { drafted: 0, accepted: 0 };
  readonly #ends: ReadonlySet<number>;
  readonly #text: TextStream;
  #constraint: TokenConstraint | undefined;
  #isFinished = false;

  constructor(
    request: GenerateRow,
    place: number,
    model: { readonly endTokens: readonly number[]; readonly tokenizer?: TextCodec },
  ) {
    this.place = place;
    this.request = request;
    this.#ends = new Set([
      ...(request.stopTokens ?? []),
      ...(request.ignoreEos ? [] : model.endTokens),
    ]);
    this.#text = new TextStream(model.tokenizer, request.stop);
    this.#constraint = request.constraint;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Prompt and new tokens. */
  get sequence(): number[] {
    return [...this.request.prompt, ...this.tokens];
  }

  /** Positions that have been read once the last new token has been: the place where the next one goes. */
  get length(): number {
    return this.request.prompt.length + this.tokens.length;
  }

  /** Draws the token that follows. */
  choose(logits: Float32Array): number {
    return draw(this.distribution(logits), this.uniform(streams.token));
  }

  /** What the token after `drafts`, tokens that are not certain yet, is drawn from. */
  distribution(logits: Float32Array, drafts: readonly number[] = []): Distribution {
    const { repetitionPenalty = 1 } = this.request;
    const constraint = this.#constraintAfter(drafts);
    if (constraint?.complete) return certain(argmax(logits)); // beyond the row's end: never used
    if (repetitionPenalty === 1 && !constraint) return distribution(logits, this.request);
    const changed = logits.slice();
    if (repetitionPenalty !== 1) {
      penalise(changed, [...this.sequence, ...drafts], repetitionPenalty);
    }
    constraint?.mask(changed);
    return distribution(changed, this.request);
  }

  /** A number in [0, 1) for one use at the place of the token after `drafts` uncertain ones. */
  uniform(stream: number, drafts = 0): number {
    return uniform(this.request.seed ?? this.place, stream, this.tokens.length + drafts);
  }

  /** Takes `token`, chosen from `logits` in a step of `layers` layers, and tells what happened. */
  *take(token: number, logits: Float32Array, layers: number): Generator<GenerateEvent, void> {
    const index = this.tokens.push(token) - 1;
    this.#constraint = this.#constraint?.next(token);
    const isEnd = this.#ends.has(token);
    const { text, stop } = isEnd ? { text: "" } : this.#text.push(token);
    const likelihood = likelihoodOf(token, logits, this.request.logprobs ?? false);
    yield { type: "token", row: this.place, index, token, text, layers, ...likelihood };
    if (stop !== undefined) yield this.#finish("stop", { text: "", stop });
    else if (isEnd || this.#constraint?.complete) yield this.#finish("stop");
    else if (this.tokens.length === this.request.maxNewTokens) yield this.#finish("length");
  }

  /** Ends the row before its time. */
  abort(): GenerateEvent {
    return this.#finish("abort");
  }

  #finish(reason: FinishReason, end = this.#text.flush()): GenerateEvent {
    this.#isFinished = true;
    const { text, stop } = end;
    const { drafted, accepted } = this.drafts;
    return {
      type: "finish",
      row: this.place,
      text,
      reason: stop === undefined ? reason : "stop",
      ...(stop !== undefined && { stop }),
      ...(drafted > 0 && { drafts: { drafted, accepted } }),
    };
  }

  #constraintAfter(drafts: readonly number[]): TokenConstraint | undefined {
    let state = this.#constraint;
    for (const token of drafts) {
      if (!state || state.complete) return state;
      state = state.next(token);
    }
    return state;
  }
}

const certain = (token: number): Distribution => ({
  tokens: Int32Array.of(token),
  probabilities: Float64Array.of(1),
});

function likelihoodOf(
  token: number,
  logits: Float32Array,
  wanted: number | false,
): { logprob?: number; top?: TokenLogprob[] } {
  if (wanted === false) return {};
  const total = logSumExp(logits);
  const logprob = logits[token]! - total;
  if (wanted === 0) return { logprob };
  const top = topTokens(logits, wanted).map((id) => ({ token: id, logprob: logits[id]! - total }));
  return { logprob, top };
}
