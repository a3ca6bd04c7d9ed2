import { PostgradError } from "@postgrad/schema";

import { harmlessFields } from "./harmless-fields.ts";

/**
 * Reads the fields of one configuration by name and remembers which were read. `finish` refuses what is left over, so that
 * a field which would change the result is never ignored.
 */
export class ConfigReader {
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();
  readonly #path: string;

  /** `path` stands in front of the names of fields in errors, as in `rope_scaling.factor`. */
  constructor(config: Readonly<Record<string, unknown>>, path = "") {
    this.#config = config;
    this.#path = path;
  }

  /** The field as it is; null counts as missing. */
  raw(name: string): unknown {
    this.#read.add(name);
    return this.#config[name] ?? undefined;
  }

  /** A whole number from `least` (1) to `most`, or `fallback` where the field is missing. */
  integer(name: string, fallback?: number, least = 1, most = 2 ** 31 - 1): number {
    const value = this.raw(name) ?? fallback;
    const fits =
      Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
    if (fits) return value as number;
    throw this.#wrong(name, value, `a whole number from ${least} to ${most}`);
  }

  /** A finite number above 0, or `fallback` where the field is missing. */
  positive(name: string, fallback?: number): number {
    const value = this.raw(name) ?? fallback;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    throw this.#wrong(name, value, "a finite number above 0");
  }

  /** `whole` divided by `parts`; throws where that leaves a rest. */
  quotient(wholeName: string, whole: number, partsName: string, parts: number): number {
    if (whole % parts === 0) return whole / parts;
    throw this.#wrong(wholeName, whole, `a multiple of ${partsName}, which is ${parts}`);
  }

  /** True or false, or `fallback` where the field is missing. */
  boolean(name: string, fallback: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.#wrong(name, value, "true or false");
  }

  /** One of the values that are supported; any other one is refused by name. */
  oneOf<Value extends string | number | boolean>(
    name: string,
    supported: readonly Value[],
    fallback?: Value,
  ): Value {
    const value = (this.raw(name) ?? fallback) as Value;
    if (supported.includes(value)) return value;
    throw new PostgradError(
      "model/unsupported",
      `config.json: ${this.#path}${name} is ${shown(value)}; supported: ${supported.map(shown).join(", ")}`,
    );
  }

  /** An array of as many strings, each one of `supported`; undefined where the field is missing. */
  strings<Value extends string>(
    name: string,
    length: number,
    supported: readonly Value[],
  ): readonly Value[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const good = (item: unknown): boolean => supported.includes(item as Value);
    if (Array.isArray(value) && value.length === length && value.every(good)) return value;
    throw this.#wrong(name, value, `${length} times one of ${supported.join(", ")}`);
  }

  /** Positive finite numbers, exactly `length` of them. */
  numbers(name: string, length: number): readonly number[] {
    const value = this.raw(name);
    const good = (item: unknown): boolean =>
      typeof item === "number" && Number.isFinite(item) && item > 0;
    if (Array.isArray(value) && value.length === length && value.every(good)) return value;
    throw this.#wrong(name, value, `${length} finite numbers above 0`);
  }

  /** The reader of a nested object, or undefined where the field is missing. */
  object(name: string): ConfigReader | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === "object" && !Array.isArray(value)) {
      return new ConfigReader(value as Record<string, unknown>, `${this.#path}${name}.`);
    }
    throw this.#wrong(name, value, "an object");
  }

  /** Whether the field is written at all, null included. */
  states(name: string): boolean {
    return name in this.#config;
  }

  /** Whether the field is there and not null. */
  has(name: string): boolean {
    return (this.#config[name] ?? undefined) !== undefined;
  }

  /**
   * Refuses every field that was not read and is in none of the lists of harmless ones. Fields that are null, false, empty,
   * or begin with an underscore pass: they switch nothing on.
   */
  finish(harmless: readonly string[] = []): void {
    for (const [name, value] of Object.entries(this.#config)) {
      if (this.#read.has(name) || name.startsWith("_") || isOff(value)) continue;
      if (harmlessFields.has(name) || harmless.includes(name)) continue;
      throw new PostgradError(
        "model/unsupported",
        `config.json: ${this.#path}${name} is ${shown(value)}, which is not supported and may change the result; ` +
          "remove the field if it is known to be harmless",
      );
    }
  }

  #wrong(name: string, value: unknown, expected: string): PostgradError {
    return new PostgradError(
      "model/config",
      `config.json: ${this.#path}${name} is ${shown(value)}; expected ${expected}`,
    );
  }
}

const isOff = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === false ||
  (typeof value === "object" && Object.keys(value).length === 0);

const shown = (value: unknown): string =>
  value === undefined
    ? "missing"
    : typeof value === "number"
      ? String(value)
      : (JSON.stringify(value) ?? typeof value).slice(0, 80);
