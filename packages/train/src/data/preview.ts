import { styleText } from "node:util";

import type { Tokenizer } from "@postgrad/model";

import type { Text } from "../step/text.ts";

/**
 * A text as the trainer sees it, coloured: learnt tokens green, the others dim. Without a tokenizer the ids are shown; without
 * colours learnt stretches stand in brackets.
 */
export function preview(text: Text, tokenizer: Tokenizer | undefined, isColoured = true): string {
  const learnt = new Set(text.scored);
  const stretches: { readonly isLearnt: boolean; readonly ids: number[] }[] = [];
  for (const [index, id] of text.ids.entries()) {
    const isLearnt = learnt.has(index);
    const current = stretches.at(-1);
    if (current?.isLearnt === isLearnt) current.ids.push(id);
    else stretches.push({ isLearnt, ids: [id] });
  }
  return stretches
    .map(({ isLearnt, ids }) => {
      const words = tokenizer ? tokenizer.decode(ids, { special: true }) : ids.join(" ");
      if (!isColoured) return isLearnt ? `[${words}]` : words;
      // A colour asked for is a colour given, whatever the terminal says of itself.
      return styleText(isLearnt ? "green" : "dim", words, { validateStream: false });
    })
    .join(tokenizer ? "" : " ");
}
