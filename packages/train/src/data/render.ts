import type { Tokenizer } from "@postgrad/model";
import { type Message, PostgradError } from "@postgrad/schema";

import type { Text } from "../step/text.ts";

/** A stretch of a rendering that is learnt, in characters. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * A conversation as tokens, and which of them are learnt: the assistant's turns from message `from` on, each with the mark
 * that ends it. The mask comes from the rendering itself: a turn is what the template adds when it is rendered too.
 *
 * Throws `train/no-template` without a template, `train/template` where the template rewrites earlier turns (one that drops
 * the thoughts of past turns, say), so that what was said is no longer what stands there.
 */
export function renderConversation(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  {
    from = 0,
    tools,
  }: { readonly from?: number; readonly tools?: readonly object[] | undefined } = {},
): Text {
  const { chat } = tokenizer;
  if (!chat) {
    throw new PostgradError(
      "train/no-template",
      "the checkpoint has no chat template: add chat_template.jinja to its folder, or give rows of token ids (prompt_ids, completion_ids)",
    );
  }
  const render = (count: number, addGenerationPrompt: boolean): string =>
    chat.render(messages.slice(0, count), { addGenerationPrompt, ...(tools && { tools }) });
  const whole = render(messages.length, false);
  const spans: Span[] = [];
  for (const [index, { role, content }] of messages.entries()) {
    if (role !== "assistant" || index < from) continue;
    spans.push(spanOf(whole, render(index, true), render(index + 1, false), content));
  }
  return tokens(tokenizer, whole, spans);
}

/** What the turn added between the rendering before it (with its opening) and the one with it. */
function spanOf(whole: string, before: string, after: string, content: string): Span {
  if (!whole.startsWith(after.trimEnd())) {
    throw new PostgradError(
      "train/template",
      "the chat template renders an earlier turn otherwise once later ones follow: train on single turns, or give rows of token ids",
    );
  }
  // Templates without an opening of their own: the turn begins where its text does.
  const opened = after.startsWith(before) ? before.length : after.lastIndexOf(content.trim());
  const words = content.trimEnd();
  const said = opened + after.slice(opened).lastIndexOf(words) + words.length;
  // What follows the mark that ends a turn (a line break) is the template's, not the assistant's.
  const mark = after.slice(said).trimEnd();
  return {
    start: opened,
    end: mark === "" ? said : said + after.slice(said).indexOf(mark) + mark.length,
  };
}

/** The ids of `text`, with those of its `spans` as scored. The text is encoded as a whole, as it is in use. */
function tokens(tokenizer: Tokenizer, text: string, spans: readonly Span[]): Text {
  const leading = beginTokens(tokenizer);
  const plain = tokenizer.encode(text);
  const isBegun = leading.length > 0 && leading.every((id, i) => plain[i] === id);
  const ids = isBegun ? plain : [...leading, ...plain];
  const shift = ids.length - plain.length;
  const scored = spans.flatMap(({ start, end }) => {
    const first = shift + sharedLength(plain, tokenizer.encode(text.slice(0, start)));
    const last = shift + sharedLength(plain, tokenizer.encode(text.slice(0, end)));
    return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  });
  const usable = scored.filter((index) => index > 0);
  return { ids, scored: usable, promptLength: usable[0] ?? ids.length };
}

/** The tokens that the tokenizer puts in front of a text, most often one or none. */
function beginTokens(tokenizer: Tokenizer): readonly number[] {
  const plain = tokenizer.encode("a");
  const special = tokenizer.encode("a", { special: true });
  const at = special.findIndex((_, i) => plain.every((id, j) => special[i + j] === id));
  return at <= 0 ? [] : special.slice(0, at);
}

function sharedLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < b.length && a[length] === b[length]) length++;
  return length;
}
