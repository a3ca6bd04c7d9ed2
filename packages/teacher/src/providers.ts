import type { LanguageModelV4 } from "@ai-sdk/provider";

/** What a built-in provider is made with. */
export interface ProviderSettings {
  /** What stands behind the provider's name, e.g. `gpt-4.1`. */
  readonly model: string;
  /** The value of the provider's key variable; `undefined` only where `keyIsOptional`. */
  readonly key: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch: typeof globalThis.fetch;
}

/** A provider of the AI SDK that is loaded when it is named. */
export interface Provider {
  /** The npm package, an optional peer. */
  readonly package: string;
  /** The environment variable that holds the key. */
  readonly key: string;
  readonly keyIsOptional?: boolean;
  /** Other variables that must be set. */
  readonly variables?: readonly string[];
  /** Whether it has OpenAI's Files and Batches. */
  readonly hasBatches?: boolean;
  /** Loads the package and returns a function, so that a model can be made again with another `fetch`. */
  load(): Promise<(settings: ProviderSettings) => LanguageModelV4>;
}

/** Every built-in provider, by the word before the colon. Adding one is an entry here. */
export const providers: Readonly<Record<string, Provider>> = {
  openai: {
    package: "@ai-sdk/openai",
    key: "OPENAI_API_KEY",
    hasBatches: true,
    load: async () => {
      const { createOpenAI } = await import("@ai-sdk/openai");
      return ({ model, key, fetch }) => createOpenAI({ apiKey: key!, fetch })(model);
    },
  },
  anthropic: {
    package: "@ai-sdk/anthropic",
    key: "ANTHROPIC_API_KEY",
    load: async () => {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return ({ model, key, fetch }) => createAnthropic({ apiKey: key!, fetch })(model);
    },
  },
  azure: {
    package: "@ai-sdk/azure",
    key: "AZURE_API_KEY",
    variables: ["AZURE_RESOURCE_NAME"],
    load: async () => {
      const { createAzure } = await import("@ai-sdk/azure");
      return ({ model, key, fetch, env }) =>
        createAzure({ apiKey: key!, resourceName: env["AZURE_RESOURCE_NAME"]!, fetch })(model);
    },
  },
  google: {
    package: "@ai-sdk/google",
    key: "GOOGLE_GENERATIVE_AI_API_KEY",
    load: async () => {
      const { createGoogle } = await import("@ai-sdk/google");
      return ({ model, key, fetch }) => createGoogle({ apiKey: key!, fetch })(model);
    },
  },
  compatible: {
    package: "@ai-sdk/openai-compatible",
    key: "COMPATIBLE_API_KEY",
    keyIsOptional: true,
    hasBatches: true,
    load: async () => {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      return ({ model, key, fetch }) => {
        const [baseURL = "", name = ""] = model.split("#");
        const supportsStructuredOutputs = true; // vLLM, Ollama, llama.cpp, LM Studio; see TeacherConfig.structuredOutput
        const settings = { name: "compatible", baseURL, supportsStructuredOutputs, fetch };
        return createOpenAICompatible(key ? { ...settings, apiKey: key } : settings)(name);
      };
    },
  },
};
