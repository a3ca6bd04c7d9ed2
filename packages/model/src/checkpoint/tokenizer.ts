import { Tokenizer as HubTokenizer } from "@huggingface/tokenizers";
import { PostgradError } from "@postgrad/schema";

import type { Files } from "../files/files.ts";
import { type ChatTemplate, readChatTemplate } from "./chat-template.ts";
import { readJson } from "./json.ts";
import { tokenBytes } from "./token-bytes.ts";

/** Text to token ids and back. */
export interface Tokenizer {
  /** How many ids there are, added tokens included. */
  readonly size: number;
  /** Renders conversations; undefined where the checkpoint has no template. */
  readonly chat: ChatTemplate | undefined;
  /** Ids of `text`; `special` (false by default) lets the tokenizer add its special tokens, such as the beginning. */
  encode(text: string, options?: { readonly special?: boolean }): readonly number[];
  /** Text of `ids`; special tokens are left out unless `special` is true. */
  decode(ids: readonly number[], options?: { readonly special?: boolean }): string;
  /** The id of a token's own text, or undefined. */
  idOf(token: string): number | undefined;
  /** The token's own text, or undefined for an id that is not used. */
  tokenOf(id: number): string | undefined;
  /**
   * The bytes that an id stands for in the middle of a text; undefined for special tokens and unused ids. The method is
   * absent where the tokenizer's decoder is neither byte-level nor of SentencePiece's kind, whose tokens are no runs of bytes.
   */
  bytesOf?(id: number): Uint8Array | undefined;
}

/** Reads `tokenizer.json` and `tokenizer_config.json`; undefined where the first is missing. */
export async function readTokenizer(on: Files, folder: string): Promise<Tokenizer | undefined> {
  const definition = await readJson(on, folder, "tokenizer.json");
  if (definition === undefined) return undefined;
  const config = (await readJson(on, folder, "tokenizer_config.json")) ?? {};
  const chat = await readChatTemplate(on, folder, config);
  return create(folder, () => wrapped(new HubTokenizer(definition, config), definition, chat));
}

/** The library trusts what it reads: whatever it throws then is the file's fault. */
function create(folder: string, make: () => Tokenizer): Tokenizer {
  try {
    return make();
  } catch (cause) {
    throw new PostgradError(
      "model/tokenizer",
      `${folder}/tokenizer.json is not understood: ${String(cause)}`,
      { cause },
    );
  }
}

function wrapped(
  inner: HubTokenizer,
  definition: object,
  chat: ChatTemplate | undefined,
): Tokenizer {
  const bytes = tokenBytes(definition, (id) => inner.id_to_token(id));
  return {
    ...(bytes && { bytesOf: bytes }),
    size: sizeOf(inner.get_vocab(true)),
    chat,
    encode: (text, { special = false } = {}) =>
      inner.encode(text, { add_special_tokens: special }).ids,
    decode: (ids, { special = false } = {}) =>
      ids.length === 0
        ? ""
        : inner.decode([...ids], {
            skip_special_tokens: !special,
            clean_up_tokenization_spaces: false,
          }),
    idOf: (token) => inner.token_to_id(token),
    tokenOf: (id) => inner.id_to_token(id),
  };
}

/** One more than the greatest id. A vocabulary is too long to be spread into the arguments of Math.max. */
function sizeOf(vocabulary: ReadonlyMap<string, number>): number {
  let size = 0;
  for (const id of vocabulary.values()) size = Math.max(size, id + 1);
  return size;
}
