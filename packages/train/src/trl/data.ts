import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

import { type Message, parseRecord, records, validate } from "@postgrad/schema";
import { Type } from "typebox";

/** What was written. */
export interface WrittenData {
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether every row carries the reference's log-probabilities, so that no reference model is needed. */
  readonly hasReferenceLogps: boolean;
  /** Rows left out, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

const Ids = Type.Array(Type.Integer({ minimum: 0 }));

/** A response that was tokenised before, its loss mask implied: the completion is learnt, the prompt is not. */
export const TokenisedExample = Type.Object({ prompt_ids: Ids, completion_ids: Ids });

/** A pair that was tokenised before. */
export const TokenisedPreference = Type.Object({
  prompt_ids: Ids,
  chosen_ids: Ids,
  rejected_ids: Ids,
  ref_chosen_logps: Type.Optional(Type.Number()),
  ref_rejected_logps: Type.Optional(Type.Number()),
});

type Columns = Record<string, unknown>;

/**
 * Writes the rows, in their order, one JSON object a line, with TRL's columns and `id`: `messages` and `tools`, or `prompt`,
 * `chosen` and `rejected` with `ref_chosen_logps` and `ref_rejected_logps` where they are known; or the same as `..._ids`.
 * `meta` stays behind: no trainer reads it. One row is in memory at a time.
 *
 * @throws PostgradError `schema/invalid` with the row's number, counted from 1.
 */
export async function writeTrainingData(
  rows: AsyncIterable<unknown> | Iterable<unknown>,
  kind: "completions" | "pairs",
  file: string,
): Promise<WrittenData> {
  const hash = createHash("sha256");
  const drops: Record<string, number> = {};
  let [written, bytes, withReference] = [0, 0, 0];
  async function* lines(): AsyncGenerator<string> {
    let line = 0;
    for await (const row of rows) {
      const columns = (kind === "pairs" ? pairColumns : exampleColumns)(row, ++line);
      if (typeof columns === "string") {
        drops[columns] = (drops[columns] ?? 0) + 1;
        continue;
      }
      const text = `${JSON.stringify(columns)}\n`;
      hash.update(text);
      written++;
      bytes += Buffer.byteLength(text);
      if (columns["ref_chosen_logps"] !== undefined) withReference++;
      yield text;
    }
  }
  await pipeline(lines, createWriteStream(file, { flush: true }));
  const hasReferenceLogps = written > 0 && withReference === written;
  return { rows: written, bytes, sha256: hash.digest("hex"), hasReferenceLogps, drops };
}

/** The columns of a completion row, or the reason to leave it out. */
function exampleColumns(row: unknown, line: number): Columns | string {
  if (has(row, "completion_ids")) {
    const { prompt_ids, completion_ids } = validate(TokenisedExample, row, { line });
    return completion_ids.length > 0 ? { ...idOf(row), prompt_ids, completion_ids } : emptyResponse;
  }
  const { messages, tools } = parseRecord(records.example, row, { line });
  if (!messages.some(isAnswer)) return emptyResponse;
  return { ...idOf(row), messages, ...(tools ? { tools } : {}) };
}

/** The columns of a pair, or the reason to leave it out. */
function pairColumns(row: unknown, line: number): Columns | string {
  if (has(row, "chosen_ids")) {
    const pair = validate(TokenisedPreference, row, { line });
    const { prompt_ids, chosen_ids, rejected_ids } = pair;
    if (chosen_ids.length === 0 || rejected_ids.length === 0) return emptyResponse;
    if (JSON.stringify(chosen_ids) === JSON.stringify(rejected_ids)) return identicalSides;
    return { ...idOf(row), prompt_ids, chosen_ids, rejected_ids, ...referenceOf(pair) };
  }
  const pair = parseRecord(records.preference, row, { line });
  const { prompt, chosen, rejected } = pair;
  if (!chosen.some(isAnswer) || !rejected.some(isAnswer)) return emptyResponse;
  if (JSON.stringify(chosen) === JSON.stringify(rejected)) return identicalSides;
  return { ...idOf(row), prompt, chosen, rejected, ...referenceOf(pair) };
}

const emptyResponse = "empty response";
const identicalSides = "identical sides";

const has = (row: unknown, name: string): row is Columns =>
  typeof row === "object" && row !== null && name in row;

const idOf = (row: unknown): Columns => (has(row, "id") ? { id: row["id"] } : {});

const isAnswer = ({ role, content, tool_calls }: Message): boolean =>
  role === "assistant" && (content.trim() !== "" || (tool_calls?.length ?? 0) > 0);

/** Both or none: half a reference is no reference. */
function referenceOf(pair: {
  readonly ref_chosen_logps?: number | undefined;
  readonly ref_rejected_logps?: number | undefined;
}): Columns {
  const { ref_chosen_logps, ref_rejected_logps } = pair;
  return ref_chosen_logps === undefined || ref_rejected_logps === undefined
    ? {}
    : { ref_chosen_logps, ref_rejected_logps };
}
