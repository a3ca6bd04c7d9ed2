import { PostgradError } from "@postgrad/schema";

import type { Files } from "../files/files.ts";
import { readJson } from "./json.ts";

/** What a checkpoint says about generating with it. */
export interface GenerationDefaults {
  /** Tokens that end a text; empty where nothing is said. */
  readonly endTokens: readonly number[];
  readonly beginToken: number | undefined;
  readonly padToken: number | undefined;
  /** `generation_config.json` as it is; empty where there is none. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Reads `generation_config.json`; what it does not say is taken from `config.json`. */
export async function readGenerationDefaults(
  on: Files,
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Promise<GenerationDefaults> {
  const settings = (await readJson(on, folder, "generation_config.json")) ?? {};
  const ids = (name: string): readonly number[] =>
    idsOf(name, settings[name] ?? config[name] ?? []);
  return {
    endTokens: ids("eos_token_id"),
    beginToken: ids("bos_token_id")[0],
    padToken: ids("pad_token_id")[0],
    settings,
  };
}

function idsOf(name: string, value: unknown): readonly number[] {
  const ids = Array.isArray(value) ? value : [value];
  if (ids.every((id) => Number.isSafeInteger(id) && id >= -1)) return ids.filter((id) => id >= 0);
  throw new PostgradError(
    "model/config",
    `${name} is ${JSON.stringify(value)}; expected a token id, or a list of them`,
  );
}
