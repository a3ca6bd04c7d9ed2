import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

import { nearest, parseConfig, PostgradError } from "@postgrad/schema";

import type { Command } from "./command.ts";

/** What is read of an option's schema. */
export interface OptionSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly items?: OptionSchema;
}

/** `maxNewTokens` as it is written on a command line: `max-new-tokens`. */
export function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What is accepted by every command. */
export const commonFlags = ["help", "json"] as const;

/**
 * The options of `command` as `argv` gives them, checked against its schema, defaults filled in.
 *
 * @throws PostgradError `cli/unknown-option` (with the one that was meant), `cli/value`, `cli/missing` or `cli/unexpected`.
 */
export function parseOptions(command: Command, argv: readonly string[]): Record<string, unknown> {
  const schemas = command.options.properties as Record<string, OptionSchema>;
  const names = Object.keys(schemas);
  const nameOf = new Map(names.map((name) => [flagOf(name), name]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: flagTypes(schemas),
    strict: false,
    tokens: true,
  });
  const given: Record<string, unknown> = {};
  const loose: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") loose.push(token.value);
    if (token.kind !== "option" || commonFlags.includes(token.name as "help")) continue;
    const positive = token.name.replace(/^no-/, "");
    const name =
      nameOf.get(token.name) ??
      (isBoolean(schemas[nameOf.get(positive) ?? ""]) ? nameOf.get(positive)! : undefined);
    if (name === undefined)
      throw unknownOption(command, token.rawName, [...nameOf.keys(), ...commonFlags]);
    const value = readValue(
      schemas[name]!,
      token.rawName,
      token.value,
      token.name === positive || nameOf.has(token.name),
    );
    given[name] = isArray(schemas[name])
      ? [...((given[name] as unknown[] | undefined) ?? []), value]
      : value;
  }
  return checked(command, placeLoose(command, loose, given));
}

/** The options checked by the schema; what is wrong is named as it is written on the command line. */
function checked(command: Command, given: Record<string, unknown>): Record<string, unknown> {
  try {
    return parseConfig(command.options, given);
  } catch (error) {
    if (!(error instanceof PostgradError)) throw error;
    const message = error.message.replace(
      /^\/(\w+)(?:\/\d+)?(?=: )/,
      (_, name: string) => `--${flagOf(name)}`,
    );
    throw new PostgradError("cli/value", message, { cause: error });
  }
}

/** Puts the words without a flag where the command wants them. */
function placeLoose(
  command: Command,
  loose: readonly string[],
  given: Record<string, unknown>,
): Record<string, unknown> {
  const placed = { ...given };
  const rest = [...loose];
  for (const positional of command.positionals) {
    const name = positional.replace("...", "");
    if (positional.endsWith("...")) {
      const words = [...((placed[name] as string[] | undefined) ?? []), ...rest.splice(0)];
      if (words.length > 0) placed[name] = words;
    } else if (placed[name] === undefined && rest.length > 0) placed[name] = rest.shift();
  }
  if (rest.length > 0) {
    throw new PostgradError(
      "cli/unexpected",
      `"${rest[0]}" is one word too many; see \`postgrad ${command.name} --help\``,
    );
  }
  const required = (command.options.required as string[] | undefined) ?? [];
  const missing = required.find(
    (name) =>
      placed[name] === undefined && !("default" in (command.options.properties[name] ?? {})),
  );
  if (missing !== undefined) {
    const word = command.positionals.some((name) => name.replace("...", "") === missing)
      ? missing.toUpperCase()
      : `--${flagOf(missing)}`;
    throw new PostgradError(
      "cli/missing",
      `${word} is missing; see \`postgrad ${command.name} --help\``,
    );
  }
  return placed;
}

function flagTypes(schemas: Record<string, OptionSchema>): ParseArgsOptionsConfig {
  const types: ParseArgsOptionsConfig = {
    help: { type: "boolean", short: "h" },
    json: { type: "boolean" },
  };
  for (const [name, schema] of Object.entries(schemas)) {
    types[flagOf(name)] = {
      type: isBoolean(schema) ? "boolean" : "string",
      multiple: isArray(schema),
    };
  }
  return types;
}

function readValue(
  schema: OptionSchema,
  flag: string,
  text: string | undefined,
  positive: boolean,
): unknown {
  if (isBoolean(schema)) {
    if (text !== undefined)
      throw new PostgradError("cli/value", `${flag} takes no value, found "${text}"`);
    return positive;
  }
  if (text === undefined) throw new PostgradError("cli/value", `${flag} needs a value`);
  const inner = isArray(schema) ? schema.items! : schema;
  const { type } = inner;
  if (type !== "number" && type !== "integer") return text;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new PostgradError("cli/value", `${flag}: found "${text}", expected a number`);
  return value;
}

function unknownOption(command: Command, flag: string, known: readonly string[]): PostgradError {
  const meant = nearest(flag.replace(/^-+/, ""), known);
  const remedy = meant ? `did you mean --${meant}?` : `see \`postgrad ${command.name} --help\``;
  return new PostgradError("cli/unknown-option", `unknown option ${flag}; ${remedy}`);
}

function isBoolean(schema: OptionSchema | undefined): boolean {
  return schema?.type === "boolean";
}

function isArray(schema: OptionSchema | undefined): boolean {
  return schema?.type === "array";
}
