import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { thresholdAt } from "../src/confidence.ts";
import {
  argmax,
  collect,
  type ConfidenceExit,
  Conversation,
  type Engine,
  type GenerateRequest,
  type GenerateRow,
  type LayerSchedule,
  logSumExp,
  type ScoredContinuation,
  skipSchedule,
  type TextCodec,
  type TokenConstraint,
  truncated,
  unified,
} from "../src/index.ts";
import { distance, engineOn, tinyLlama } from "./checkpoints.ts";
import { perLayer } from "./per-layer.ts";

const checkpoint = tinyLlama();
const prompts = [[5, 9, 33], [1], [7, 7, 50, 2, 61, 13, 40], [3, 4]];
const rowsOf = (change: Partial<GenerateRow> = {}): GenerateRow[] =>
  prompts.map((prompt) => ({ prompt, maxNewTokens: 10, logprobs: 0, ...change }));

/** Token n is the n-th letter of the alphabet and on; 60 to 63 are the bytes of one character. */
const codec: TextCodec = {
  encode: (text) => Array.from(text, (letter) => letter.charCodeAt(0) - 65),
  decode: (tokens) => {
    const bytes = tokens.flatMap((token) =>
      token < 60 ? [65 + token] : [[0xf0, 0x9f, 0x99, 0x82][token - 60]!],
    );
    return new TextDecoder().decode(Uint8Array.from(bytes));
  },
};

let engine: Engine;
const run = async (request: GenerateRequest) => (await collect(engine.generate(request))).rows;

beforeAll(async () => {
  engine = await engineOn(checkpoint, { endTokens: [62], tokenizer: codec });
});
afterAll(() => engine.dispose());

const greedy = (change: Partial<GenerateRow> = {}) => rowsOf({ ignoreEos: true, ...change });

describe("greedy decoding", () => {
  test("equals one forward pass over all tokens", async () => {
    for (const [i, row] of (await run({ rows: greedy() })).entries()) {
      const [[scored]] = (await engine.score([
        { prompt: prompts[i]!, continuations: [row.tokens] },
      ])) as [[ScoredContinuation]];
      expect(distance(scored.logprobs, row.logprobs)).toBeLessThan(1e-4);
      expect(scored.greedy).toBe(true);
    }
  });

  test("gives a row the same tokens in any batch", async () => {
    const batch = await run({ rows: greedy() });
    const alone = await Promise.all(greedy().map(async (row) => (await run({ rows: [row] }))[0]!));
    expect(batch.map(({ tokens }) => tokens)).toEqual(alone.map(({ tokens }) => tokens));
    for (const [i, row] of batch.entries())
      expect(distance(row.logprobs, alone[i]!.logprobs)).toBeLessThan(1e-4);
  });

  test("lets rows that finish early leave without a trace", async () => {
    const whole = await run({ rows: greedy() });
    const counts = [3, 10, 1, 6];
    const rows = greedy().map((row, i) => ({ ...row, maxNewTokens: counts[i]! }));
    for (const [i, { tokens, finish }] of (await run({ rows })).entries()) {
      expect(tokens).toEqual(whole[i]!.tokens.slice(0, counts[i]));
      expect(finish).toBe("length");
    }
  });

  test("reads a long prompt in chunks as in one piece", async () => {
    const prompt = Array.from({ length: 100 }, (_, i) => (i * 37) % 60);
    const rows = Array.from({ length: 8 }, (_, i) => ({
      prompt: prompt.slice(i * 3),
      maxNewTokens: 4,
    }));
    const batch = await run({ rows }); // 800 tokens, 512 at once
    for (const [i, row] of rows.entries()) {
      expect((await run({ rows: [row] }))[0]!.tokens).toEqual(batch[i]!.tokens);
    }
  });
});

describe("skipping", () => {
  const settings = { layers: 6, maxExit: 5, minExit: 2, generated: 10 };
  const schedules: [string, LayerSchedule][] = [
    ["skip", skipSchedule(settings)],
    ["skip, prompt at the first exit", skipSchedule({ ...settings, prompt: "max-exit" })],
    ["terminate", skipSchedule({ ...settings, mode: "terminate" })],
    ["middle", skipSchedule({ ...settings, mode: "middle" })],
    ["an order", skipSchedule({ ...settings, order: [3, 0, 5, 1, 4, 2] })],
    ["unified", unified(6, 2)],
    ["truncated", truncated(6, 3)],
  ];

  test.each(schedules)("%s equals the slow reference", async (_, schedule) => {
    for (const prompt of prompts.slice(0, 2)) {
      const rows = [{ prompt, maxNewTokens: 10, ignoreEos: true, logprobs: 0 }];
      const [row] = await run({ rows, schedule });
      const slow = await perLayer(checkpoint, prompt, 10, schedule);
      expect(row!.tokens).toEqual(slow.tokens);
      const logprobs = slow.logits.map((logits, i) => logits[slow.tokens[i]!]! - logSumExp(logits));
      expect(distance(row!.logprobs, logprobs)).toBeLessThan(1e-5);
    }
  });

  test.each(schedules)("%s scores as it decodes", async (_, schedule) => {
    const decoded = await run({ rows: greedy(), schedule });
    const rows = decoded.map(({ tokens }, i) => ({ prompt: prompts[i]!, continuations: [tokens] }));
    for (const [i, [scored]] of (await engine.score(rows, { schedule })).entries()) {
      expect(distance(scored!.logprobs, decoded[i]!.logprobs)).toBeLessThan(1e-4);
    }
  });

  test("with exits at full depth is the plain model, bit for bit", async () => {
    const schedule = skipSchedule({ layers: 6, maxExit: 6, minExit: 6, generated: 10 });
    expect(await run({ rows: greedy(), schedule })).toEqual(await run({ rows: greedy() }));
  });

  test("reports the layers of each token and takes a speed-up instead of a schedule", async () => {
    const [row] = await run({ rows: greedy(), speedup: 2 });
    expect(row!.layers).toEqual([6, 4, 4, 4, 3, 3, 3, 3, 2, 2]);
  });

  test("by a schedule that would read a hole is stopped", async () => {
    const schedule = {
      layers: 6,
      prompt: [0, 1, 2, 3, 4, 5],
      settledAt: 3,
      layersAt: (i: number) => (i === 1 ? [0, 5] : [0, 4, 5]),
    };
    await expect(run({ rows: greedy(), schedule })).rejects.toThrow(
      "runs layer 4 at generated token 2 after leaving it out",
    );
  });
});

describe("exact mode", () => {
  test.each([1, 3, 8])("drafting %i gives the full model's tokens", async (draft) => {
    const full = await run({ rows: greedy({ maxNewTokens: 30 }) });
    const exact = await run({ rows: greedy({ maxNewTokens: 30 }), exact: { draft }, speedup: 1.5 });
    expect(exact.map(({ tokens }) => tokens)).toEqual(full.map(({ tokens }) => tokens));
    expect(exact.map(({ layers }) => new Set(layers))).toEqual(full.map(() => new Set([6])));
    for (const { drafts } of exact) expect(drafts!.drafted).toBeGreaterThan(drafts!.accepted);
  });

  test("with the full network as drafter accepts every draft", async () => {
    const [row] = await run({ rows: greedy().slice(0, 1), exact: { draft: 3 }, speedup: 1 });
    expect(row!.drafts!.accepted).toBe(row!.drafts!.drafted);
  });

  test("samples as the full model does", async () => {
    // Three tokens of a vocabulary of 4: 64 outcomes, counted over seeds, against the probabilities of the full model.
    const tiny = await engineOn(tinyLlama({ vocab_size: 4, num_hidden_layers: 4 }, 3));
    const prompt = [1, 3];
    const continuations = Array.from({ length: 64 }, (_, i) => [i >> 4, (i >> 2) % 4, i % 4]);
    const [scored] = await tiny.score([{ prompt, continuations }]);
    const count = 4000;
    const rows = Array.from({ length: count }, (_, seed) => ({
      prompt,
      maxNewTokens: 3,
      temperature: 1,
      seed,
    }));
    const seen = new Map<string, number>();
    let accepted = 0;
    for (let start = 0; start < count; start += 500) {
      const { rows: given } = await collect(
        tiny.generate({ rows: rows.slice(start, start + 500), exact: { draft: 2 } }),
      );
      for (const { tokens, drafts } of given) {
        seen.set(tokens.join(), (seen.get(tokens.join()) ?? 0) + 1);
        accepted += drafts?.accepted ?? 0;
      }
    }
    await tiny.dispose();
    const chiSquare = continuations.reduce((sum, tokens, i) => {
      const expected = count * Math.exp(scored![i]!.sum);
      return sum + ((seen.get(tokens.join()) ?? 0) - expected) ** 2 / expected;
    }, 0);
    expect(chiSquare).toBeLessThan(103.4); // 63 degrees of freedom, p = 0.001
    expect(accepted).toBeGreaterThan(count / 10);
    expect(accepted).toBeLessThan(count);
  });
});

describe("exit by confidence", () => {
  const at = (confidence: ConfidenceExit) => run({ rows: greedy(), confidence });

  test("that is never reached is the full model", async () => {
    const full = await run({ rows: greedy() });
    for (const measure of ["softmax", "saturation"] as const) {
      const rows = await at({ measure, threshold: 1.01 });
      expect(rows.map(({ tokens }) => tokens)).toEqual(full.map(({ tokens }) => tokens));
    }
  });

  test("that is always reached runs the warm-up layers only", async () => {
    const [row] = await at({ measure: "softmax", threshold: 0, warmup: 2 });
    expect(row!.layers).toEqual([6, ...Array.from({ length: 9 }, () => 2)]);
  });

  test("leaves no hole: a later, deeper token finds keys of the exit's state", async () => {
    const rows = await at({ measure: "saturation", threshold: 0.85, decay: 4 });
    const depths = new Set(rows.flatMap(({ layers }) => layers.slice(1)));
    expect(depths.size).toBeGreaterThan(1);
    expect(rows.flatMap(({ logprobs }) => logprobs).every(Number.isFinite)).toBe(true);
  });

  test("has a threshold that falls by the formula", () => {
    const exit = { measure: "softmax", threshold: 0.8, decay: 4 } as const;
    expect(thresholdAt(exit, 0, 10)).toBeCloseTo(0.8, 12);
    expect(thresholdAt(exit, 10, 10)).toBeCloseTo(0.8 * (0.9 + 0.1 * Math.exp(-4)), 12);
  });
});

describe("sampling", () => {
  const sampled = greedy({ temperature: 1, topP: 0.95 });
  const seeded = sampled.map((row, i) => ({ ...row, seed: 100 + i }));

  test("with a seed gives the same tokens alone and in any batch", async () => {
    const batch = await run({ rows: seeded });
    for (const [i, row] of seeded.entries()) {
      expect((await run({ rows: [row] }))[0]!.tokens).toEqual(batch[i]!.tokens);
    }
    expect((await run({ rows: seeded.toReversed() })).toReversed()).toEqual(
      batch.map((row) => ({ ...row, logprobs: expect.any(Array) as number[] })),
    );
  });

  test("differs between seeds", async () => {
    const rows = Array.from({ length: 4 }, (_, seed) => ({
      prompt: [5],
      maxNewTokens: 8,
      temperature: 1,
      seed,
    }));
    const given = await run({ rows });
    expect(new Set(given.map(({ tokens }) => tokens.join())).size).toBe(4);
  });

  test("reports the likeliest tokens under the model's own distribution", async () => {
    const [row] = await run({ rows: [{ ...seeded[0]!, logprobs: 3 }] });
    for (const [i, top] of row!.top.entries()) {
      expect(top).toHaveLength(3);
      expect(top[0]!.logprob).toBeGreaterThanOrEqual(row!.logprobs[i]!);
      expect(top.map(({ logprob }) => logprob)).toEqual(
        top.map(({ logprob }) => logprob).toSorted((a, b) => b - a),
      );
    }
  });

  test("with a penalty repeats less", async () => {
    const distinct = async (repetitionPenalty: number) =>
      new Set(
        (await run({ rows: greedy({ maxNewTokens: 40, repetitionPenalty }) })).flatMap(
          ({ tokens }) => tokens,
        ),
      ).size;
    expect(await distinct(1.5)).toBeGreaterThan(await distinct(1));
  });
});

describe("the end of a row", () => {
  test("is the model's end token, which is among the tokens but not in the text", async () => {
    const constraint: TokenConstraint = {
      mask: (logits) => logits.fill(-Infinity).fill(0, 62, 63),
      next: () => constraint,
      complete: false,
    };
    const [row] = await run({ rows: [{ prompt: [1], maxNewTokens: 5, constraint }] });
    expect(row).toMatchObject({ tokens: [62], text: "", finish: "stop" });
    const [on] = await run({
      rows: [{ prompt: [1], maxNewTokens: 2, constraint, ignoreEos: true }],
    });
    expect(on).toMatchObject({ tokens: [62, 62], finish: "length" });
  });

  test("is a stop token of the row", async () => {
    const [whole] = await run({ rows: greedy().slice(0, 1) });
    const stopTokens = [whole!.tokens[3]!];
    const [row] = await run({ rows: [{ ...greedy()[0]!, stopTokens }] });
    expect(row!.tokens).toEqual(whole!.tokens.slice(0, whole!.tokens.indexOf(stopTokens[0]!) + 1));
    expect(row!.finish).toBe("stop");
  });

  test("is a stop text that runs across tokens", async () => {
    // A B C D follow one another; the stop text begins in one token and ends in the next
    const [row] = await run({
      rows: [
        { prompt: [1], maxNewTokens: 9, constraint: spelling("ABCDEFGHI"), stop: ["DE", "DEF"] },
      ],
    });
    expect(row).toMatchObject({ text: "ABC", finish: "stop", stop: "DE", tokens: [0, 1, 2, 3, 4] });
    const [longer] = await run({
      rows: [{ prompt: [1], maxNewTokens: 4, constraint: spelling("ABCDX"), stop: ["CDE"] }],
    });
    expect(longer).toMatchObject({ text: "ABCD", finish: "length" });
  });

  test("is where a constraint is complete", async () => {
    const [row] = await run({
      rows: [{ prompt: [1], maxNewTokens: 9, constraint: spelling("HELLO") }],
    });
    expect(row).toMatchObject({ text: "HELLO", finish: "stop" });
    const [exact] = await run({
      rows: [{ prompt: [1], maxNewTokens: 9, constraint: spelling("HELLO") }],
      exact: true,
    });
    expect(exact).toMatchObject({ text: "HELLO", finish: "stop" });
  });

  test("is an abort, of one row or of all, at any token", async () => {
    const one = new AbortController();
    const all = new AbortController();
    const rows = greedy().map((row, i) => (i === 1 ? { ...row, signal: one.signal } : row));
    const finished: string[] = [];
    let tokens = 0;
    for await (const event of engine.generate({ rows, signal: all.signal })) {
      if (event.type === "finish") finished.push(`${event.row} ${event.reason}`);
      else if (++tokens === 6) one.abort();
      else if (tokens === 15) all.abort();
    }
    expect(finished).toEqual(["1 abort", "0 abort", "2 abort", "3 abort"]);
    const [before] = await run({ rows: greedy().slice(0, 1), signal: AbortSignal.abort() });
    expect(before).toMatchObject({ tokens: [], finish: "abort" });
  });

  test("is where the reader stops; the engine goes on", async () => {
    for await (const event of engine.generate({ rows: greedy() }))
      if (event.type === "token") break;
    expect((await run({ rows: greedy() }))[0]!.tokens).toHaveLength(10);
  });
});

describe("text", () => {
  test("comes as soon as it is certain: a character that spans tokens comes whole", async () => {
    const texts: string[] = [];
    const rows = [
      {
        prompt: [1],
        maxNewTokens: 9,
        ignoreEos: true,
        constraint: sequence([0, 60, 61, 62, 63, 1]),
      },
    ];
    for await (const event of engine.generate({ rows })) texts.push(event.text);
    expect(texts).toEqual(["A", "", "", "", "🙂", "B", ""]);
  });

  test("is flushed at the end, incomplete or not", async () => {
    const rows = [
      { prompt: [1], maxNewTokens: 2, ignoreEos: true, constraint: sequence([0, 60, 61]) },
    ];
    expect((await run({ rows }))[0]!.text).toBe("A\uFFFD");
  });
});

describe("scoring", () => {
  test("computes a prompt once for all continuations and gives what each gets alone", async () => {
    const continuations = [[4, 5, 6], [9], [], [62, 1, 2, 3, 4, 5, 6, 7], [4, 5]];
    const rows = prompts.map((prompt) => ({ prompt, continuations }));
    const together = await engine.score(rows, { top: 2 });
    for (const [i, prompt] of prompts.entries()) {
      for (const [j, tokens] of continuations.entries()) {
        const scored = together[i]![j]!;
        const alone = (await engine.score([{ prompt, continuations: [tokens] }]))[0]![0]!;
        expect(distance([...scored.logprobs, 0], [...alone.logprobs, 0])).toBeLessThan(1e-4);
        expect(scored.sum).toBeCloseTo(alone.sum, 3);
        expect(scored.top).toHaveLength(tokens.length);
      }
    }
  });

  test("probabilities of all next tokens sum to 1", async () => {
    const continuations = Array.from({ length: 64 }, (_, token) => [token]);
    const [scored] = await engine.score([{ prompt: [5, 6], continuations }]);
    expect(scored!.reduce((sum, { sum: logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 5);
  });

  test("gives the logits after the last token, of an empty continuation too", async () => {
    const [[empty]] = (await engine.score([{ prompt: [5, 6], continuations: [[]] }], {
      logits: true,
    })) as [[ScoredContinuation]];
    const [next] = await run({ rows: [{ prompt: [5, 6], maxNewTokens: 1 }] });
    expect(argmax(empty.logits!)).toBe(next!.tokens[0]);
  });

  test("stops when told to", async () => {
    await expect(
      engine.score([{ prompt: [5], continuations: [[6]] }], { signal: AbortSignal.abort() }),
    ).rejects.toThrow("abort");
  });
});

describe("a conversation", () => {
  const turn = async (
    conversation: Conversation,
    prompt: number[],
    request: Partial<GenerateRequest> = {},
  ) =>
    (
      await run({ rows: [{ prompt, maxNewTokens: 6, ignoreEos: true }], conversation, ...request })
    )[0]!.tokens;

  test.each([
    ["the full network keeps all that was read", {}, 8],
    ["skipping keeps the prompt", { speedup: 2 }, 3],
    ["exact mode keeps all that was read", { exact: true }, 8],
  ])("with %s, and goes on as if all had been read anew", async (_, request, held) => {
    const conversation = new Conversation();
    const first = await turn(conversation, prompts[0]!, request);
    expect(conversation.length).toBe(held);
    const second = [...prompts[0]!, ...first, 8, 9];
    expect(await turn(conversation, second, request)).toEqual(
      await turn(new Conversation(), second, request),
    );
    const other = [...prompts[0]!.slice(0, 2), 44];
    expect(await turn(conversation, other)).toEqual(await turn(new Conversation(), other));
  });

  test("is of one row", async () => {
    await expect(run({ rows: greedy(), conversation: new Conversation() })).rejects.toThrow(
      "one row",
    );
  });
});

describe("refused with the value and the remedy:", () => {
  const one = { prompt: [1], maxNewTokens: 4 };
  const cases: [string, GenerateRequest][] = [
    ["no rows", { rows: [] }],
    ["row 0: the prompt is empty", { rows: [{ ...one, prompt: [] }] }],
    ["row 1: 64 is no token id; the model has 0 to 63", { rows: [one, { ...one, prompt: [64] }] }],
    ["-1 is no token id", { rows: [{ ...one, prompt: [-1] }] }],
    ["temperature is NaN", { rows: [{ ...one, temperature: Number.NaN }] }],
    ["maxNewTokens is 0", { rows: [{ ...one, maxNewTokens: 0 }] }],
    ["context of 128; at most 127 new tokens fit", { rows: [{ ...one, maxNewTokens: 128 }] }],
    ["a stop text is empty", { rows: [{ ...one, stop: [""] }] }],
    ["seed is 0.5", { rows: [{ ...one, seed: 0.5 }] }],
    ["logprobs is -1", { rows: [{ ...one, logprobs: -1 }] }],
    ["speed-up 9 is beyond what 6 layers", { rows: [one], speedup: 9 }],
    ["made for 8 layers, the network has 6", { rows: [one], schedule: truncated(8, 2) }],
    ["schedule and speedup both say", { rows: [one], speedup: 2, schedule: truncated(6, 2) }],
    ["exact.draft is 0", { rows: [one], exact: { draft: 0 } }],
  ];
  test.each(cases)("%s", async (message, request) => {
    await expect(run(request)).rejects.toThrow(message);
  });

  test("stop texts without a tokenizer; token ids work", async () => {
    await using plain = await engineOn(checkpoint);
    const rows = [{ ...one, stop: ["x"] }];
    await expect(collect(plain.generate({ rows }))).rejects.toThrow("use stopTokens");
    expect((await collect(plain.generate({ rows: [one] }))).rows[0]).toMatchObject({ text: "" });
  });

  test("a continuation past the context", async () => {
    const continuations = [Array.from({ length: 128 }, () => 1)];
    await expect(engine.score([{ prompt: [1], continuations }])).rejects.toThrow(
      "129 tokens pass the model's context of 128",
    );
  });
});

describe("the engine", () => {
  test("runs one generation at a time, in order", async () => {
    const both = await Promise.all([run({ rows: greedy() }), run({ rows: greedy(), speedup: 2 })]);
    expect(both).toEqual([
      await run({ rows: greedy() }),
      await run({ rows: greedy(), speedup: 2 }),
    ]);
  });

  test("ends what runs when it is disposed of, and says so afterwards", async () => {
    const short = await engineOn(checkpoint, { name: "tiny" });
    const running = collect(short.generate({ rows: greedy({ maxNewTokens: 100 }) }));
    await new Promise((resolve) => setImmediate(resolve));
    await short.dispose();
    await short.dispose();
    expect((await running).rows.map(({ finish }) => finish)).toEqual([
      "abort",
      "abort",
      "abort",
      "abort",
    ]);
    await expect(collect(short.generate({ rows: greedy() }))).rejects.toThrow(
      'the engine of "tiny" has been disposed',
    );
  });

  test("says which graph the runtime refused", async () => {
    const damaged = {
      ...checkpoint,
      weights: (() => {
        throw new Error("damaged");
      }) as never,
    };
    await expect(engineOn(damaged)).rejects.toThrow("damaged");
  });
});

/** Leaves one token after another, then is complete. */
function sequence(tokens: readonly number[]): TokenConstraint {
  return {
    mask: (logits) => logits.fill(-Infinity).fill(0, tokens[0], tokens[0]! + 1),
    next: () => sequence(tokens.slice(1)),
    complete: tokens.length === 0,
  };
}

const spelling = (word: string): TokenConstraint => sequence(codec.encode(word));
