import type { Tokenizer } from "@postgrad/model";

import type { ChatTemplate } from "./chat/chat-template.ts";
import type { TextCodec } from "./engine.ts";

/** A checkpoint's tokenizer as the engine and its faces use it. */
export function codecOf(tokenizer: Tokenizer): TextCodec {
  const { size, chat } = tokenizer;
  const begin = tokenizer.encode("", { special: true });
  return {
    encode: (text) => [...tokenizer.encode(text)],
    decode: (tokens) => tokenizer.decode(tokens),
    ...(begin.length > 0 && { begin }),
    ...(tokenizer.bytesOf && {
      tokenBytes: () => Array.from({ length: size }, (_, id) => tokenizer.bytesOf!(id)),
    }),
    ...(chat && { chat: templateOf(chat) }),
  };
}

function templateOf(chat: NonNullable<Tokenizer["chat"]>): ChatTemplate {
  return {
    // Templates say nothing about themselves: one that handles tools names the variable they come in.
    takesTools: /\btools\b/.test(chat.source),
    render: (messages, tools) =>
      chat.render(messages, { addGenerationPrompt: true, ...(tools && { tools }) }),
  };
}
