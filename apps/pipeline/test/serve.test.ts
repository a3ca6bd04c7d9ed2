import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { commands, main, type Output } from "../src/index.ts";
import { postgrad } from "./memory-process.ts";
import { writeTinyCheckpoint, writeTinyTokenizer } from "./tiny-checkpoint.ts";

let cwd: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "postgrad-serve-"));
  mkdirSync(join(cwd, "tiny"));
  await writeTinyCheckpoint(join(cwd, "tiny"));
  writeTinyTokenizer(join(cwd, "tiny"));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** Starts `postgrad serve`; resolves when it listens. */
async function serving(...argv: string[]): Promise<{ url: string; stop: () => Promise<number> }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const stop = new AbortController();
  const output = (json: boolean): Output => ({
    json,
    isLive: false,
    result: (value) => resolve((value as { url: string }).url),
    write: () => {},
    note: () => {},
  });
  const done = main(commands, ["serve", "--model", "tiny", "--port", "0", ...argv], {
    cwd,
    output,
    signal: stop.signal,
  });
  const url = await Promise.race([
    promise,
    done.then((code) => Promise.reject(new Error(`ended with ${code}`))),
  ]);
  return {
    url,
    stop: () => {
      stop.abort();
      return done;
    },
  };
}

test("serve answers as the OpenAI API does, with the tokens that generate gives, and stops when told to", async () => {
  const { url, stop } = await serving();
  const ask = async (path: string, body: object) => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return {
      status: response.status,
      body: (await response.json()) as {
        choices: { text: string; message: { content: string } }[];
        error?: { message: string };
      },
    };
  };
  const completion = await ask("/v1/completions", {
    model: "tiny",
    prompt: "hello",
    max_tokens: 8,
    temperature: 0,
  });
  const { out } = await postgrad(
    ["generate", "--model", "tiny", "--prompt", "hello", "--max-new-tokens", "8", "--json"],
    { cwd },
  );
  expect(completion.body.choices[0]!.text).toBe((JSON.parse(out) as { text: string[] }).text[0]);
  const chat = await ask("/v1/chat/completions", {
    model: "tiny",
    messages: [{ role: "user", content: "hi" }],
    max_tokens: 4,
    temperature: 0,
  });
  const told = await postgrad(
    ["generate", "--model", "tiny", "--prompt", "hi", "--chat", "--max-new-tokens", "4", "--json"],
    { cwd },
  );
  expect(chat.body.choices[0]!.message.content).toBe(
    (JSON.parse(told.out) as { text: string[] }).text[0],
  );
  const wrong = await ask("/v1/completions", { model: "tiny", prompt: "hello", max_tokens: 1000 });
  expect(wrong.status).toBe(400);
  expect(await stop()).toBe(0);
});

test("serve needs a tokenizer and says so", async () => {
  mkdirSync(join(cwd, "bare"));
  await writeTinyCheckpoint(join(cwd, "bare"));
  const { code, err } = await postgrad(["serve", "--model", "bare", "--port", "0"], { cwd });
  expect(err).toContain('"bare" has no tokenizer');
  expect(code).toBe(2);
});
