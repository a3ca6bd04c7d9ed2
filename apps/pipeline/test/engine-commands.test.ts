import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { postgrad } from "./memory-process.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";

let cwd: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "postgrad-engine-"));
  process.env["POSTGRAD_CACHE"] = join(cwd, "cache");
  mkdirSync(join(cwd, "tiny"));
  await writeTinyCheckpoint(join(cwd, "tiny"));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

interface Generated {
  readonly tokens: number[][];
  readonly text: string[];
  readonly logprobs: number[][];
  readonly layers: number[][];
  readonly timing: Record<string, number>;
}

async function generate(...argv: string[]): Promise<Generated> {
  const { code, out, err } = await postgrad(
    ["generate", "--model", "tiny", "--ignore-eos", "--json", ...argv],
    { cwd },
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Generated;
}

describe("generate", () => {
  test("prints one object of the agreed shape", async () => {
    const { tokens, text, logprobs, layers, timing } = await generate(
      "--ids",
      "1 5 7",
      "--ids",
      "3,4",
      "--max-new-tokens",
      "6",
    );
    expect(tokens.map((row) => row.length)).toEqual([6, 6]);
    expect(text).toEqual(["", ""]);
    expect(logprobs.flat().every((value) => value <= 0)).toBe(true);
    expect(layers).toEqual([
      Array.from({ length: 6 }, () => 4),
      Array.from({ length: 6 }, () => 4),
    ]);
    expect(Object.keys(timing)).toEqual(["prefillMs", "decodeMs", "tokensPerSecond"]);
  });

  test("gives a row in a batch what it gives it alone", async () => {
    const both = await generate("--ids", "1 5 7", "--ids", "3 4 9 11", "--max-new-tokens", "8");
    const alone = await generate("--ids", "3 4 9 11", "--max-new-tokens", "8");
    expect(both.tokens[1]).toEqual(alone.tokens[0]);
  });

  test("runs the layers of the schedule: the prompt in full, then from max down to min", async () => {
    // w = 1, 3 down to 2 over 4 tokens: 3 - i/3 = 3, 2.67, 2.33, 2, rounded half up
    const { layers } = await generate(
      "--ids",
      "1 5 7",
      "--max-new-tokens",
      "5",
      "--skip",
      "warmup=1,max=3,min=2,generated=4",
    );
    expect(layers).toEqual([[4, 3, 3, 2, 2]]);
  });

  test("in exact mode gives the full model's tokens", async () => {
    const full = await generate("--ids", "1 5 7", "--max-new-tokens", "12");
    const exact = await generate(
      "--ids",
      "1 5 7",
      "--max-new-tokens",
      "12",
      "--speedup",
      "2",
      "--exact",
    );
    expect(exact.tokens).toEqual(full.tokens);
  });

  test("runs on quantised weights, kept in the cache", async () => {
    const { tokens, logprobs } = await generate(
      "--ids",
      "1 5 7",
      "--max-new-tokens",
      "4",
      "--dtype",
      "int8",
    );
    const full = await generate("--ids", "1 5 7", "--max-new-tokens", "4");
    expect(tokens).toEqual(full.tokens);
    expect(logprobs).not.toEqual(full.logprobs);
  });

  test("draws the same under the same seed", async () => {
    const draw = (seed: string) =>
      generate("--ids", "1 5 7", "--max-new-tokens", "12", "--temperature", "1", "--seed", seed);
    expect((await draw("3")).tokens).toEqual((await draw("3")).tokens);
    expect((await draw("3")).tokens).not.toEqual((await draw("4")).tokens);
  });

  test.each([
    [["--prompt", "hi"], "tiny has no tokenizer.json: give token ids with --ids"],
    [[], "--prompt or --ids is missing"],
    [["--ids", "1 x"], '--ids: found "x", expected token ids'],
    [["--ids", "1 99"], "99 is no token id; the model has 0 to 47"],
    [["--ids", ""], "empty"],
    [["--ids", "1", "--max-new-tokens", "64"], "64"],
    [["--ids", "1", "--skip", "maxx=3"], '--skip: unknown setting "maxx"'],
    [
      ["--ids", "1", "--skip", "max=3,min=2", "--speedup", "2"],
      "--skip and --speedup both name a schedule",
    ],
    [["--ids", "1", "--skip", "max=2,min=3"], "minExit 3 is above maxExit 2"],
    [["--ids", "1", "--skip", "max=9,min=3"], "maxExit 9 is above the network's 4 layers"],
    [["--ids", "1", "--temperature", "-1"], "--temperature: found -1"],
  ])("%j is the user's mistake", async (argv, message) => {
    const { code, err } = await postgrad(["generate", "--model", "tiny", ...argv], { cwd });
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});

test("export writes the files that transformers.js looks for", async () => {
  const { code } = await postgrad(
    ["export", "--model", "tiny", "--dtype", "fp32", "--dtype", "int8", "--out", "web"],
    { cwd },
  );
  expect(code).toBe(0);
  expect(readdirSync(join(cwd, "web")).toSorted()).toEqual(["config.json", "onnx"]);
  expect(readdirSync(join(cwd, "web/onnx")).toSorted()).toEqual([
    "model.onnx",
    "model_quantized.onnx",
  ]);
});

describe("score", () => {
  test("agrees with what generation says of the tokens that it chose", async () => {
    const { tokens, logprobs } = await generate("--ids", "1 5 7", "--max-new-tokens", "5");
    const { out } = await postgrad(
      ["score", "--model", "tiny", "--ids", `1 5 7 ${tokens[0]!.join(" ")}`, "--logits", "--json"],
      { cwd },
    );
    const { rows } = JSON.parse(out) as {
      rows: { logprobs: number[]; sum: number; logits: number[] }[];
    };
    expect(rows[0]!.logprobs).toHaveLength(7);
    for (const [i, value] of logprobs[0]!.entries())
      expect(rows[0]!.logprobs[i + 2]).toBeCloseTo(value, 4);
    expect(rows[0]!.sum).toBeCloseTo(
      rows[0]!.logprobs.reduce((a, b) => a + b),
      9,
    );
    expect(rows[0]!.logits).toHaveLength(48);
  });

  test("can run through some layers only", async () => {
    const sum = async (...argv: string[]) => {
      const { out } = await postgrad(
        ["score", "--model", "tiny", "--ids", "1 5 7 9", "--json", ...argv],
        { cwd },
      );
      return (JSON.parse(out) as { rows: { sum: number }[] }).rows[0]!.sum;
    };
    expect(await sum("--layers", "0,1,2,3")).toBeCloseTo(await sum(), 6);
    expect(await sum("--layers", "0,3")).not.toBeCloseTo(await sum(), 3);
    const { code, err } = await postgrad(
      ["score", "--model", "tiny", "--ids", "1 5", "--layers", "0,9"],
      { cwd },
    );
    expect({ code, err }).toMatchObject({
      code: 2,
      err: expect.stringContaining("layer 9, but the network has layers 0 to 3") as string,
    });
  });
});
