import { expect, test } from "vitest";

import { collect, type GenerateEvent } from "../src/index.ts";

async function* events(): AsyncGenerator<GenerateEvent> {
  yield { type: "token", row: 0, index: 0, token: 5, text: "a", layers: 8, logprob: -1 };
  yield { type: "token", row: 1, index: 0, token: 6, text: "", layers: 8 };
  yield { type: "finish", row: 1, reason: "length", text: "b" };
  yield { type: "token", row: 0, index: 1, token: 7, text: "c", layers: 4, logprob: -2 };
  yield { type: "finish", row: 0, reason: "stop", text: "", stop: "END" };
}

test("events are gathered by row, and the clock tells prompt from decoding", async () => {
  const clock = [0, 10, 30][Symbol.iterator]();
  const { rows, timing } = await collect(events(), () => clock.next().value!);
  expect(rows).toEqual([
    {
      tokens: [5, 7],
      text: "ac",
      logprobs: [-1, -2],
      top: [],
      layers: [8, 4],
      finish: "stop",
      stop: "END",
    },
    { tokens: [6], text: "b", logprobs: [], top: [], layers: [8], finish: "length" },
  ]);
  expect(timing).toEqual({ prefillMs: 10, decodeMs: 20, tokensPerSecond: 50 });
});
