import { PostgradError } from "@postgrad/schema";

import type { Decoder, Family } from "./decoder.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { opt } from "./opt.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";

/** Every family. Adding one is a file beside this and a line here. */
export const families = [
  llama,
  mistral,
  opt,
  phi3,
  qwen2,
  qwen3,
] as const satisfies readonly Family[];

/**
 * The decoder that a `config.json` describes.
 *
 * Throws `model/unknown-architecture` for a `model_type` that is not in `families`, `model/unsupported` for a field that
 * would change the result and is not supported, `model/config` for one that is malformed.
 */
export function decoderOf(config: Readonly<Record<string, unknown>>): Decoder {
  const type = config["model_type"];
  const family = families.find(({ modelTypes }) => modelTypes.includes(String(type)));
  if (family) return family.decoder(config);
  const known = families.flatMap(({ modelTypes }) => modelTypes).join(", ");
  throw new PostgradError(
    "model/unknown-architecture",
    `config.json: model_type is ${JSON.stringify(type) ?? "missing"}; supported: ${known}`,
  );
}
