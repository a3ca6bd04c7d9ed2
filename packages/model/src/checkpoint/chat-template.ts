import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { PostgradError } from "@postgrad/schema";

import type { Files } from "../files/files.ts";
import { readText } from "./json.ts";

/** What a chat template is rendered with. */
export interface ChatOptions {
  /** Ends with the opening of the assistant's turn; false by default. */
  readonly addGenerationPrompt?: boolean;
  /** Functions that may be called, as JSON Schema. */
  readonly tools?: readonly object[];
  /** The time that `strftime_now` of a template tells; now by default. */
  readonly now?: Date;
  /** Further variables of the template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A checkpoint's chat template. */
export interface ChatTemplate {
  /** The template's text. */
  readonly source: string;
  /** The conversation as text. Throws `model/chat-template` where the template refuses it. */
  render(messages: readonly object[], options?: ChatOptions): string;
}

/** `chat_template.jinja`, or `chat_template` of `tokenizer_config.json`; of several named ones the default. */
export async function readChatTemplate(
  on: Files,
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Promise<ChatTemplate | undefined> {
  const source =
    (await readText(on, folder, "chat_template.jinja")) ?? defaultOf(config["chat_template"]);
  return source === undefined ? undefined : chatTemplate(source, specialTokens(config));
}

/** A chat template from its text; `tokens` are variables of it, such as `bos_token`. */
export function chatTemplate(
  source: string,
  tokens: Readonly<Record<string, string>> = {},
): ChatTemplate {
  const { parsed } = attempt("cannot be parsed", () => new Template(source));
  return {
    source,
    render: (messages, { addGenerationPrompt = false, tools, now = new Date(), variables } = {}) =>
      attempt("refuses the conversation", () => {
        const environment = new Environment();
        const all = {
          ...globals(now),
          ...tokens,
          ...variables,
          messages,
          tools: tools ?? null,
          add_generation_prompt: addGenerationPrompt,
        };
        for (const [name, value] of Object.entries(all)) environment.set(name, value);
        return String(new Interpreter(environment).run(parsed).value);
      }),
  };
}

/** What transformers gives every template. The package's own set takes the time and the language from the machine. */
const globals = (now: Date): Readonly<Record<string, unknown>> => ({
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range: (start: number, stop?: number, step = 1) =>
    stop === undefined ? range(0, start, step) : range(start, stop, step),
  strftime_now: (format: string) => strftime(now, format),
  raise_exception: (message: string) => {
    throw new Error(message);
  },
});

const range = (start: number, stop: number, step: number): readonly number[] =>
  Array.from(
    { length: Math.max(0, Math.ceil((stop - start) / step)) },
    (_, index) => start + index * step,
  );

function attempt<Result>(what: string, run: () => Result): Result {
  try {
    return run();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PostgradError("model/chat-template", `the chat template ${what}: ${reason}`, {
      cause,
    });
  }
}

/** A template, or the one named `default` among several. */
function defaultOf(stated: unknown): string | undefined {
  if (typeof stated === "string") return stated;
  if (!Array.isArray(stated)) return undefined;
  const named = stated as readonly ({
    readonly name?: unknown;
    readonly template?: unknown;
  } | null)[];
  const chosen = named.find((entry) => entry?.name === "default")?.template;
  return typeof chosen === "string" ? chosen : undefined;
}

/** Tokens that templates use, stated as text or as `{ content }`. */
function specialTokens(
  config: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const names = ["bos_token", "eos_token", "pad_token", "unk_token"];
  const text = (stated: unknown): unknown =>
    typeof stated === "object" && stated !== null
      ? (stated as { content?: unknown }).content
      : stated;
  const entries = names.map((name) => [name, text(config[name])] as const);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** The directives that chat templates use: day, month (number, short and long name), year, hour, minute, second; in UTC. */
function strftime(now: Date, format: string): string {
  const named = (options: Intl.DateTimeFormatOptions): string =>
    now.toLocaleDateString("en", { ...options, timeZone: "UTC" });
  const two = (value: number): string => String(value).padStart(2, "0");
  const directives: Readonly<Record<string, string>> = {
    "%d": two(now.getUTCDate()),
    "%m": two(now.getUTCMonth() + 1),
    "%b": named({ month: "short" }),
    "%B": named({ month: "long" }),
    "%A": named({ weekday: "long" }),
    "%Y": String(now.getUTCFullYear()),
    "%y": two(now.getUTCFullYear() % 100),
    "%H": two(now.getUTCHours()),
    "%M": two(now.getUTCMinutes()),
    "%S": two(now.getUTCSeconds()),
    "%%": "%",
  };
  return format.replaceAll(/%./g, (directive) => directives[directive] ?? directive);
}
