import type { Conversation } from "./conversation.ts";
import type { TokenConstraint } from "./sampling/constraint.ts";
import type { SamplingOptions } from "./sampling/options.ts";
import type { LayerSchedule } from "./schedule/layer-schedule.ts";

/** One row of a batch: a prompt and how to go on from it. Rows need not be of one length or of one request. */
export interface GenerateRow extends SamplingOptions {
  /** Token ids of the prompt, special tokens included; at least one. */
  readonly prompt: readonly number[];
  /** Tokens to choose at most, the end token counted; at least 1. */
  readonly maxNewTokens: number;
  /** Seed of the row's draws; the same seed gives the same draws in any batch. Default: the row's place in the request. */
  readonly seed?: number;
  /** Token ids that end the row beside the model's end tokens. */
  readonly stopTokens?: readonly number[];
  /** Texts that end the row, also across tokens; neither they nor what follows are part of the text. Needs a tokenizer. */
  readonly stop?: readonly string[];
  /** Goes on past the model's end tokens; default false. */
  readonly ignoreEos?: boolean;
  /** Log-probabilities to report: false (default) none, 0 the chosen token's, n also those of the n most likely ones. */
  readonly logprobs?: number | false;
  /** Limits the tokens that may follow, for structured output. */
  readonly constraint?: TokenConstraint;
  /** Ends this row alone; the others go on. */
  readonly signal?: AbortSignal;
}

/** Drafts by the skipping schedule, verified by the full model: the output is the full model's. */
export interface ExactOptions {
  /** Tokens drafted before each verification; default 4. */
  readonly draft?: number;
}

/** Exit of CALM (arXiv 2207.07061): after each layer, stop when a confidence passes a threshold that decays. */
export interface ConfidenceExit {
  /** `softmax`: the gap of the two most likely tokens; `saturation`: cosine of a layer's input and output. */
  readonly measure: "softmax" | "saturation";
  /** Confidence in [0, 1] from which a token may exit. */
  readonly threshold: number;
  /** Decay tau of the threshold over the generation; default 0, none. */
  readonly decay?: number;
  /** Layers that always run; default 1. */
  readonly warmup?: number;
}

/** A batch to generate, and how deep each token goes: `schedule` or `speedup` or `confidence`, else the full network. */
export interface GenerateRequest {
  readonly rows: readonly GenerateRow[];
  /** Which layers run where. */
  readonly schedule?: LayerSchedule;
  /** A skip schedule with this speed-up by layer count over the longest row's `maxNewTokens`. */
  readonly speedup?: number;
  /** The output of the full model, with the schedule used for drafts only; default false. */
  readonly exact?: boolean | ExactOptions;
  /** A baseline: exit by confidence, for the whole batch when its least confident row passes. */
  readonly confidence?: ConfidenceExit;
  /** Goes on from an earlier generation of this one row, and is gone on from; needs a request of exactly one row. */
  readonly conversation?: Conversation;
  /** Ends all rows. */
  readonly signal?: AbortSignal;
}

/** Why a row ended. */
export type FinishReason = "stop" | "length" | "abort";

/** A token and its natural log-probability under the model's own distribution (before temperature and filters). */
export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/** A token was chosen. */
export interface TokenEvent {
  readonly type: "token";
  /** The row's place in the request. */
  readonly row: number;
  /** The token's place among the row's new tokens, from 0. */
  readonly index: number;
  readonly token: number;
  /** Text that became certain with this token: empty while a character or a possible stop text is incomplete. */
  readonly text: string;
  /** Layers active in the step that chose the token; for index 0 those of the prompt's pass. */
  readonly layers: number;
  /** Log-probability of the token; present where the row asks for it. */
  readonly logprob?: number;
  /** The most likely tokens, likeliest first; present where the row asks for at least one. */
  readonly top?: readonly TokenLogprob[];
}

/** A row has ended; the last event of each row. */
export interface FinishEvent {
  readonly type: "finish";
  readonly row: number;
  readonly reason: FinishReason;
  /** Text that was held back as the possible start of a stop text and is none. */
  readonly text: string;
  /** The stop text that ended the row. */
  readonly stop?: string;
  /** Exact mode: tokens drafted for this row and how many of them were accepted. */
  readonly drafts?: { readonly drafted: number; readonly accepted: number };
}

/** What a generation yields, in the order in which it happens. */
export type GenerateEvent = TokenEvent | FinishEvent;

/** One finished row. */
export interface GeneratedRow {
  /** New token ids, the end token included. */
  readonly tokens: readonly number[];
  /** Their text without special tokens; empty where the model has no tokenizer. */
  readonly text: string;
  /** One per token, where the row asked for log-probabilities. */
  readonly logprobs: readonly number[];
  /** One per token, where the row asked for the most likely ones. */
  readonly top: readonly (readonly TokenLogprob[])[];
  /** Layers active in the step that chose each token. */
  readonly layers: readonly number[];
  readonly finish: FinishReason;
  readonly stop?: string;
  readonly drafts?: { readonly drafted: number; readonly accepted: number };
}

/** Time that a generation took. */
export interface GenerateTiming {
  /** Milliseconds to the first token: the prompt's pass. */
  readonly prefillMs: number;
  /** Milliseconds from there to the end. */
  readonly decodeMs: number;
  /** Tokens of all rows after the first ones, per second of decoding; 0 where there are none. */
  readonly tokensPerSecond: number;
}

/** Reads a generation to its end. `now` is a clock in milliseconds. */
export async function collect(
  events: AsyncIterable<GenerateEvent>,
  now: () => number = () => performance.now(),
): Promise<{ rows: GeneratedRow[]; timing: GenerateTiming }> {
  const start = now();
  let first: number | undefined;
  let later = 0;
  const rows: Collecting[] = [];
  for await (const event of events) {
    first ??= now();
    const row = (rows[event.row] ??= {
      tokens: [],
      text: "",
      logprobs: [],
      top: [],
      layers: [],
      finish: "abort",
    });
    if (event.type === "token" && event.index > 0) later++;
    take(row, event);
  }
  const end = now();
  const decodeMs = end - (first ?? end);
  const timing = {
    prefillMs: (first ?? end) - start,
    decodeMs,
    tokensPerSecond: later === 0 ? 0 : later / (decodeMs / 1000),
  };
  return { rows, timing };
}

type Collecting = {
  -readonly [Key in keyof GeneratedRow]: GeneratedRow[Key] extends readonly (infer Item)[]
    ? Item[]
    : GeneratedRow[Key];
};

function take(row: Collecting, event: GenerateEvent): void {
  row.text += event.text;
  if (event.type === "finish") {
    row.finish = event.reason;
    if (event.stop !== undefined) row.stop = event.stop;
    if (event.drafts) row.drafts = event.drafts;
    return;
  }
  row.tokens.push(event.token);
  row.layers.push(event.layers);
  if (event.logprob !== undefined) row.logprobs.push(event.logprob);
  if (event.top) row.top.push(event.top);
}
