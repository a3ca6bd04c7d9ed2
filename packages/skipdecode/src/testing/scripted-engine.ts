import type { ChatTool } from "../chat/chat-template.ts";
import { checkRequest } from "../check-request.ts";
import type { Engine, TextCodec } from "../engine.ts";
import type { GenerateEvent, GenerateRequest } from "../generate.ts";
import { Row } from "../row.ts";
import { logSumExp, topTokens } from "../sampling/logits.ts";
import { checkScore } from "../score-rows.ts";
import type { ScoredContinuation, ScoreOptions, ScoreRow } from "../score.ts";
import { Turns } from "../turns.ts";

/** What a scripted engine is made of. */
export interface ScriptedOptions {
  /** What the model would say to a prompt, given as text with its special tokens. */
  readonly reply: (prompt: string) => string;
  /** Default: 4096. */
  readonly contextLength?: number;
  /** Called before each step with the number of rows in it. */
  readonly onStep?: (rows: number) => void;
}

const specials = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"] as const;
const end = 256;
const vocabulary = 256 + specials.length;
const layers = 8;

/**
 * An engine whose logits come from a script instead of a network: at each place the script's next byte is the likeliest
 * token by far, and its layers change nothing. All else is real: sampling, constraints, stop texts, aborts and errors are the engine's own code. Its
 * tokens are the 256 bytes and five special ones, its chat template takes tools.
 */
export function scriptedEngine(options: ScriptedOptions): Engine {
  const { contextLength = 4096 } = options;
  const limits = { vocabulary, contextLength, layers, tokenizer: byteTokenizer, endTokens: [end] };
  const turns = new Turns();
  let isDisposed = false;

  async function* generate(request: GenerateRequest): AsyncGenerator<GenerateEvent, void> {
    checkRequest(request, limits);
    const release = await turns.next();
    try {
      const rows = request.rows.map((row, place) => new Row(row, place, limits));
      for (let step = 0; rows.some((row) => !row.isFinished); step++) {
        await new Promise((resolve) => setTimeout(resolve)); // a step takes time, and signals may come in it
        for (const row of rows.filter((one) => !one.isFinished)) {
          const signals = [request.signal, row.request.signal];
          if (isDisposed || signals.some((signal) => signal?.aborted)) yield row.abort();
        }
        yield* run(
          rows.filter((row) => !row.isFinished),
          step === 0 ? layers : (request.schedule?.layersAt(step - 1).length ?? layers),
        );
      }
    } finally {
      release();
    }
  }

  function* run(rows: readonly Row[], active: number): Generator<GenerateEvent, void> {
    if (rows.length > 0) options.onStep?.(rows.length);
    for (const row of rows) {
      const logits = logitsAfter(options, row.request.prompt, row.tokens);
      yield* row.take(row.choose(logits), logits, active);
    }
  }

  const score: Engine["score"] = async (rows, scoring = {}) => {
    checkScore(rows, limits);
    return rows.map((row) =>
      row.continuations.map((tokens) => scored(options, row, tokens, scoring)),
    );
  };
  const dispose = async (): Promise<void> => {
    isDisposed = true;
  };
  return {
    name: "scripted",
    ...limits,
    headCost: 0,
    generate,
    score,
    influence: async () => Array.from({ length: layers }, () => 0),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function scored(
  options: ScriptedOptions,
  { prompt }: ScoreRow,
  tokens: readonly number[],
  { top = 0, logits: wantsLogits = false }: ScoreOptions,
): ScoredContinuation {
  const places = tokens.map((_, i) => logitsAfter(options, prompt, tokens.slice(0, i)));
  const logprobs = places.map((logits, i) => logits[tokens[i]!]! - logSumExp(logits));
  return {
    logprobs,
    sum: logprobs.reduce((sum, logprob) => sum + logprob, 0),
    greedy: places.every((logits, i) => topTokens(logits, 1)[0] === tokens[i]),
    top: top === 0 ? [] : places.map((logits) => likeliest(logits, top)),
    ...(wantsLogits && { logits: logitsAfter(options, prompt, tokens) }),
  };
}

function likeliest(logits: Float32Array, count: number): { token: number; logprob: number }[] {
  const total = logSumExp(logits);
  return topTokens(logits, count).map((token) => ({ token, logprob: logits[token]! - total }));
}

/** 12 for the script's next token, less than 1 for all others, by a hash of their place. */
function logitsAfter(
  { reply }: ScriptedOptions,
  prompt: readonly number[],
  tokens: readonly number[],
): Float32Array {
  const script = utf8.encode(reply(written(prompt)));
  const logits = Float32Array.from({ length: vocabulary }, (_, token) => {
    const hash = Math.imul(token + 1, 0x9e3779b1) ^ Math.imul(tokens.length + 1, 0x85ebca6b);
    return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
  });
  logits[script[tokens.length] ?? end] = 12;
  return logits;
}

const utf8 = new TextEncoder();

const bytesOf = (token: number): Uint8Array =>
  token < 256 ? Uint8Array.of(token) : utf8.encode(specials[token - 256]);

function written(tokens: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(tokens.flatMap((token) => [...bytesOf(token)])));
}

/** 256 bytes and the special tokens `<|end|>`, `<|system|>`, `<|user|>`, `<|assistant|>`, `<|tool|>` (256 to 260). */
export const byteTokenizer: TextCodec = {
  encode: (text) =>
    text.split(/(<\|\w+\|>)/).flatMap((piece) => {
      const special = specials.findIndex((one) => one === piece);
      return special >= 0 ? [256 + special] : [...utf8.encode(piece)];
    }),
  decode: (tokens) => written(tokens.filter((token) => token < 256)),
  tokenBytes: () => [
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
    ...specials.map(() => undefined),
  ],
  chat: {
    takesTools: true,
    render: (messages, tools?: readonly ChatTool[]) => {
      const turns = messages.map(({ role, content, tool_calls: calls = [] }) => {
        const called = calls.map(
          (call) => `<tool_call>${JSON.stringify(call.function)}</tool_call>`,
        );
        return `<|${role}|>${content}${called.join("")}<|end|>`;
      });
      const offer = tools ? `<|system|>tools: ${JSON.stringify(tools)}<|end|>` : "";
      return `${offer}${turns.join("")}<|assistant|>`;
    },
  },
};
