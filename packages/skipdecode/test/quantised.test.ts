import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { collect, openModel, type ScoreRow } from "../src/index.ts";
import { expectedOf, fixtureFolder, hasFixtures, missing } from "./checkpoints.ts";

// Random weights have no slack that training would leave: 4 bits cost them more than the 1% to 6% of real checkpoints, and
// the more so the sharper their distributions are.
const bounds = [
  ["opt-prenorm", { fp16: 1.001, int8: 1.01, int4: 1.1 }],
  ["llama-gqa-untied", { fp16: 1.001, int8: 1.02, int4: 1.4 }],
] as const;

describe.skipIf(!hasFixtures).each(bounds)(`%s${missing}`, (name, most) => {
  const cacheFolder = mkdtempSync(join(tmpdir(), "postgrad-weights-"));
  let text: ScoreRow[];
  let full: number;

  const perplexity = async (format: "fp32" | keyof typeof most): Promise<number> => {
    await using engine = await openModel(fixtureFolder(name), { threads: 1, format, cacheFolder });
    const logprobs = (await engine.score(text)).flatMap(([row]) => row!.logprobs);
    return Math.exp(-logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length);
  };

  beforeAll(async () => {
    await using engine = await openModel(fixtureFolder(name), { threads: 1 });
    const rows = expectedOf(name).cases.flatMap(({ ids: prompt }) =>
      [0, 1, 2, 3].map((seed) => ({
        prompt,
        maxNewTokens: 60,
        temperature: 1,
        seed,
        ignoreEos: true,
      })),
    );
    const { rows: given } = await collect(engine.generate({ rows }));
    text = given.map(({ tokens }, i) => ({ prompt: rows[i]!.prompt, continuations: [tokens] }));
    full = await perplexity("fp32");
  }, 60_000);
  afterAll(() => rmSync(cacheFolder, { recursive: true }));

  test.each(["fp16", "int8", "int4"] as const)(
    "%s keeps the perplexity of text of the model's own",
    { timeout: 60_000 },
    async (format) => {
      expect((await perplexity(format)) / full).toBeLessThan(most[format]);
    },
  );
});
