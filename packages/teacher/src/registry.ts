import { nearest, PostgradError } from "@postgrad/schema";

import { type Provider, providers } from "./providers.ts";
import { redact } from "./redact.ts";
import type { LanguageModel } from "./reply.ts";

/** Gives the model behind `PROVIDER:name`; registered by the application, in this process. */
export type ModelFactory = (name: string) => LanguageModel | Promise<LanguageModel>;

/** A model that was asked for by name. */
export interface NamedModel {
  /** The name it was asked for by. */
  readonly id: string;
  readonly model: LanguageModel;
  /** Whether calls leave this process. */
  readonly isHosted: boolean;
  /** Takes the provider's key out of a text. */
  readonly redact: (text: string) => string;
  /** Where the provider has OpenAI's batches. */
  readonly transport: Transport | undefined;
}

/** How a model is reached, and the same model over another `fetch`. */
export interface Transport {
  readonly fetch: typeof globalThis.fetch;
  readonly modelOver: (fetch: typeof globalThis.fetch) => LanguageModel;
}

/** Turns names like `openai:gpt-4.1` into models. */
export interface Registry {
  resolve(name: string): Promise<NamedModel>;
}

/** What the registry takes from outside. */
export interface RegistryOptions {
  /** Where keys come from. Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * A registry of the built-in providers (`openai:gpt-4.1`, `anthropic:…`, `azure:DEPLOYMENT`, `google:…`,
 * `compatible:http://localhost:8000/v1#model`) and of `own` ones, e.g. `{ lab: (name) => labTeacher(name) }`.
 *
 * `resolve` throws PostgradError `teacher/unknown-provider`, `teacher/provider-missing` (with the command that installs
 * its package), `teacher/no-key` (with the variable to set), `teacher/invalid-address`.
 */
export function createRegistry(
  own: Readonly<Record<string, ModelFactory>> = {},
  { env = process.env, fetch = globalThis.fetch }: RegistryOptions = {},
): Registry {
  return {
    resolve: async (name) => {
      const [word, rest] = split(name);
      const factory = Object.hasOwn(own, word) ? own[word] : undefined;
      if (factory)
        return {
          id: name,
          model: await factory(rest),
          isHosted: false,
          redact,
          transport: undefined,
        };
      const provider = Object.hasOwn(providers, word) ? providers[word] : undefined;
      if (!provider) throw unknown(name, word, [...Object.keys(own), ...Object.keys(providers)]);
      if (word === "compatible") checkAddress(rest);
      return hosted(name, rest, provider, { env, fetch });
    },
  };
}

function split(name: string): [string, string] {
  const at = name.indexOf(":");
  return at < 0 ? [name, ""] : [name.slice(0, at), name.slice(at + 1)];
}

async function hosted(
  id: string,
  model: string,
  provider: Provider,
  { env, fetch }: Required<RegistryOptions>,
): Promise<NamedModel> {
  if (model === "")
    throw new PostgradError(
      "teacher/unknown-provider",
      `"${id}" names no model; write ${id.replace(/:$/, "")}:MODEL`,
    );
  const key = env[provider.key];
  const missing = [provider.keyIsOptional ? [] : provider.key, provider.variables ?? []]
    .flat()
    .filter((variable) => !env[variable]);
  if (missing.length > 0)
    throw new PostgradError(
      "teacher/no-key",
      `${id} needs ${missing.join(" and ")} in the environment`,
    );
  const create = await loaded(id, provider);
  const modelOver = (other: typeof globalThis.fetch): LanguageModel =>
    create({ model, key, env, fetch: other });
  return {
    id,
    model: modelOver(fetch),
    isHosted: true,
    redact: (text) => redact(text, key),
    transport: provider.hasBatches ? { fetch, modelOver } : undefined,
  };
}

async function loaded(id: string, provider: Provider): ReturnType<Provider["load"]> {
  try {
    return await provider.load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new PostgradError(
      "teacher/provider-missing",
      `${id} needs a package that is not installed: npm install ${provider.package}`,
      { cause: error },
    );
  }
}

/** The address is part of the model's name in ledger and lineage: no key may stand in it. */
function checkAddress(address: string): void {
  const [base = "", model = ""] = address.split("#");
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || model === "")
    throw invalid("is no address and model; write e.g. compatible:http://localhost:8000/v1#model");
  if (url.username || url.password || url.search)
    throw invalid("carries more than host and path; a key goes into COMPATIBLE_API_KEY");

  function invalid(what: string): PostgradError {
    const shown = url ? `${url.origin}${url.pathname}${model && `#${model}`}` : address;
    return new PostgradError("teacher/invalid-address", `compatible:${shown} ${what}`);
  }
}

function unknown(name: string, word: string, known: readonly string[]): PostgradError {
  const meant = nearest(word, known);
  const remedy = meant
    ? `did you mean "${name.replace(word, meant)}"?`
    : `there are ${known.map((one) => `${one}:`).join(", ")}`;
  return new PostgradError(
    "teacher/unknown-provider",
    `no provider is called "${word}" (in "${name}"); ${remedy}`,
  );
}
