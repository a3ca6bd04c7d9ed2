import { hash } from "node:crypto";

import { type Decoder, type Tokenizer } from "@postgrad/model";
import {
  type Message,
  parseRecord,
  type Place,
  PostgradError,
  type RawRow,
  records,
  validate,
} from "@postgrad/schema";

import type { Text } from "../step/text.ts";
import { TokenisedExample, TokenisedPreference } from "../trl/data.ts";
import { renderConversation } from "./render.ts";
import { truncated, type Truncation } from "./truncate.ts";

/** A row, ready for the graph. */
export interface PreparedRow {
  /** One text, or the chosen and the rejected one. */
  readonly texts: readonly Text[];
  /** Content ids of the texts, under which reference log-probabilities are stored. */
  readonly keys: readonly string[];
  /** Rows of one prompt share it. */
  readonly prompt: string;
  /** `meta.tier`, by which a curriculum orders. */
  readonly tier: string | undefined;
  /** `ref_chosen_logps` and `ref_rejected_logps`, where the row brings both. */
  readonly referenceLogps?: readonly [number, number] | undefined;
}

/** What rows are prepared with. */
export interface PrepareOptions {
  readonly rows: "completions" | "pairs";
  readonly decoder: Pick<Decoder, "vocabSize">;
  readonly tokenizer?: Tokenizer | undefined;
  readonly maxLength: number;
  readonly truncate: Truncation;
}

/** Prepared rows, and what happened to the others. Nothing is left out silently. */
export interface Prepared {
  readonly rows: readonly PreparedRow[];
  /** Rows left out, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** Rows that were cut to the greatest length. */
  readonly truncated: number;
}

/** Prepares all rows. Throws on a row that is none, with its number; drops, counted, those that nothing can be learnt from. */
export async function prepareRows(
  rows: AsyncIterable<RawRow> | Iterable<RawRow>,
  options: PrepareOptions,
): Promise<Prepared> {
  const prepared: PreparedRow[] = [];
  const drops: Record<string, number> = {};
  let cuts = 0;
  let line = 0;
  for await (const row of rows) {
    const found = prepareRow(row, options, { line: ++line });
    if (typeof found === "string") drops[found] = (drops[found] ?? 0) + 1;
    else {
      prepared.push(found.row);
      if (found.isTruncated) cuts++;
    }
  }
  return { rows: prepared, drops, truncated: cuts };
}

function prepareRow(
  row: RawRow,
  options: PrepareOptions,
  place: Place,
): { readonly row: PreparedRow; readonly isTruncated: boolean } | string {
  const texts =
    options.rows === "pairs"
      ? pairTexts(row, options, place)
      : completionTexts(row, options, place);
  checkIds(texts, options.decoder.vocabSize, place);
  if (texts.some(({ scored }) => scored.length === 0)) return "empty response";
  if (texts.length === 2 && texts[0]!.ids.join() === texts[1]!.ids.join()) return "identical sides";
  const cut = truncated(texts, options);
  if (typeof cut === "string") return cut;
  const tier = (row["meta"] as { readonly tier?: unknown } | undefined)?.tier;
  const [chosen, rejected] = [row["ref_chosen_logps"], row["ref_rejected_logps"]];
  const isTruncated = cut !== texts;
  return {
    isTruncated,
    row: {
      texts: cut,
      keys: cut.map(textKey),
      prompt: hash("sha256", texts[0]!.ids.slice(0, texts[0]!.promptLength).join()).slice(0, 32),
      tier: typeof tier === "string" ? tier : undefined,
      ...(typeof chosen === "number" && typeof rejected === "number" && !isTruncated
        ? { referenceLogps: [chosen, rejected] }
        : {}),
    },
  };
}

/** The content id of a text: what is read and what is scored. */
export const textKey = ({ ids, scored }: Text): string =>
  hash("sha256", `${ids.join()} ${scored.join()}`).slice(0, 32);

function completionTexts(row: RawRow, options: PrepareOptions, place: Place): readonly Text[] {
  if ("completion_ids" in row) {
    const { prompt_ids, completion_ids } = validate(TokenisedExample, row, place);
    return [tokenised(prompt_ids, completion_ids)];
  }
  const { messages, tools } = parseRecord(records.example, row, place);
  return [
    renderConversation(tokenizerOf(options), messages, { tools: tools as object[] | undefined }),
  ];
}

function pairTexts(row: RawRow, options: PrepareOptions, place: Place): readonly Text[] {
  if ("chosen_ids" in row) {
    const { prompt_ids, chosen_ids, rejected_ids } = validate(TokenisedPreference, row, place);
    return [tokenised(prompt_ids, chosen_ids), tokenised(prompt_ids, rejected_ids)];
  }
  const { prompt, chosen, rejected } = parseRecord(records.preference, row, place);
  const side = (answer: readonly Message[]): Text =>
    renderConversation(tokenizerOf(options), [...prompt, ...answer], { from: prompt.length });
  return [side(chosen), side(rejected)];
}

/** The first token of all has nothing before it that could predict it. */
const tokenised = (prompt: readonly number[], response: readonly number[]): Text => ({
  ids: [...prompt, ...response],
  scored: response.map((_, i) => prompt.length + i).filter((index) => index > 0),
  promptLength: prompt.length,
});

function tokenizerOf({ tokenizer }: PrepareOptions): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new PostgradError(
    "train/no-tokenizer",
    "the checkpoint has no tokenizer.json: add one, or give rows of token ids (prompt_ids, completion_ids or chosen_ids, rejected_ids)",
  );
}

function checkIds(texts: readonly Text[], vocabSize: number, { line }: Place): void {
  const wrong = texts.flatMap(({ ids }) => ids).find((id) => id >= vocabSize);
  if (wrong === undefined) return;
  throw new PostgradError(
    "train/token-range",
    `row ${line}: token ${wrong} is past the embedding's ${vocabSize} entries: the row was made with another model's tokenizer`,
  );
}
