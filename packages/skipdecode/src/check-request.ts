import { PostgradError } from "@postgrad/schema";

import type { Engine } from "./engine.ts";
import type { GenerateRequest, GenerateRow } from "./generate.ts";
import { checkSampling } from "./sampling/options.ts";

/** What a request is checked against. */
export type Limits = Pick<Engine, "vocabulary" | "contextLength" | "layers" | "tokenizer">;

/** @throws PostgradError `skipdecode/request` or `skipdecode/sampling` that names the row, the value and the remedy. */
export function checkRequest(request: GenerateRequest, limits: Limits): void {
  const { rows, schedule, speedup, confidence, exact, conversation } = request;
  if (rows.length === 0) throw refused("the request has no rows; give at least one prompt");
  for (const [index, row] of rows.entries()) checkRow(row, `row ${index}`, limits);
  const depths = { schedule, speedup, confidence };
  const given = Object.entries(depths).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(" and ");
    throw refused(`${names} both say how deep a token goes; give one of them`);
  }
  if (schedule && schedule.layers !== limits.layers) {
    throw refused(
      `the schedule is made for ${schedule.layers} layers, the network has ${limits.layers}; make it for ${limits.layers}`,
    );
  }
  if (exact && confidence) {
    throw refused("exact drafts by a schedule, not by confidence; give a schedule or a speedup");
  }
  if (conversation && rows.length !== 1) {
    throw refused(
      `a conversation is of one row, the request has ${rows.length}; give each a request`,
    );
  }
  if (typeof exact === "object") checkDraft(exact.draft);
}

/** @throws PostgradError `skipdecode/request` where the tokens are none, no ids, or more than the context holds. */
export function checkPrompt(
  tokens: readonly number[],
  place: string,
  { vocabulary, contextLength }: Pick<Limits, "vocabulary" | "contextLength">,
): void {
  if (tokens.length === 0) {
    throw refused(
      `${place}: the prompt is empty; give at least one token, such as the model's begin token`,
    );
  }
  checkTokens(tokens, place, vocabulary);
  if (tokens.length > contextLength) {
    throw refused(
      `${place}: ${tokens.length} tokens pass the model's context of ${contextLength}; shorten them`,
    );
  }
}

/** @throws PostgradError `skipdecode/request` for an id that is not in the vocabulary. */
export function checkTokens(tokens: readonly number[], place: string, vocabulary: number): void {
  const unknown = tokens.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary));
  if (unknown !== undefined) {
    throw refused(`${place}: ${unknown} is no token id; the model has 0 to ${vocabulary - 1}`);
  }
}

function checkRow(row: GenerateRow, place: string, limits: Limits): void {
  const { prompt, maxNewTokens, stop = [], stopTokens = [], seed = 0, logprobs = false } = row;
  checkPrompt(prompt, place, limits);
  checkSampling(row);
  if (!(Number.isInteger(maxNewTokens) && maxNewTokens >= 1)) {
    throw refused(`${place}: maxNewTokens is ${maxNewTokens}; it must be an integer of 1 or more`);
  }
  const room = limits.contextLength - prompt.length;
  if (maxNewTokens > room) {
    throw refused(
      `${place}: a prompt of ${prompt.length} tokens and maxNewTokens ${maxNewTokens} pass the model's context of ` +
        `${limits.contextLength}; at most ${room} new tokens fit`,
    );
  }
  checkTokens(stopTokens, `${place}, stopTokens`, limits.vocabulary);
  if (stop.some((text) => text === "")) {
    throw refused(`${place}: a stop text is empty and would end the row at once; leave it out`);
  }
  if (stop.length > 0 && !limits.tokenizer) {
    throw refused(`${place}: stop texts need a tokenizer and this model has none; use stopTokens`);
  }
  if (!(Number.isSafeInteger(seed) && seed >= 0)) {
    throw refused(`${place}: seed is ${seed}; it must be an integer from 0 to 2^53 - 1`);
  }
  if (logprobs !== false && !(Number.isInteger(logprobs) && logprobs >= 0)) {
    throw refused(
      `${place}: logprobs is ${logprobs}; it must be false or the number of likeliest tokens`,
    );
  }
}

function checkDraft(draft = 1): void {
  if (Number.isInteger(draft) && draft >= 1) return;
  throw refused(`exact.draft is ${draft}; it must be an integer of 1 or more`);
}

function refused(message: string): PostgradError {
  return new PostgradError("skipdecode/request", message);
}
