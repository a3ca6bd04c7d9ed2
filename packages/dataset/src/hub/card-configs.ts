import { PostgradError } from "@postgrad/schema";
import { parse } from "yaml";

import { splitOfPath } from "./split-name.ts";

/** Files that a dataset card names as one split. */
export interface CardSplit {
  readonly config: string;
  readonly split: string;
  /** Tells whether a path below the folder, with slashes, is one of them. */
  readonly matches: (name: string) => boolean;
}

/**
 * The splits that the front matter of a dataset card lists in `configs`; `undefined` where it lists none.
 *
 * @throws PostgradError `dataset/card` where the front matter is no YAML.
 */
export function configsOf(card: string, file: string): CardSplit[] | undefined {
  const { configs } = frontMatter(card, file);
  if (!Array.isArray(configs)) return undefined;
  const splits = (configs as CardConfig[]).flatMap(splitsOf);
  return splits.length > 0 ? splits : undefined;
}

interface CardConfig {
  readonly config_name?: string;
  readonly data_files?: string | readonly (string | { split?: string; path: string | string[] })[];
}

function splitsOf({ config_name: config = "default", data_files: files }: CardConfig): CardSplit[] {
  if (files === undefined) return [];
  return [files].flat().map((entry) => {
    const { split, path } = typeof entry === "string" ? { split: undefined, path: entry } : entry;
    const patterns = [path].flat().map(patternOf);
    return {
      config,
      split: split ?? splitOfPath([path].flat()[0] ?? ""),
      matches: (name) => patterns.some((pattern) => pattern.test(name)),
    };
  });
}

/** What stands between the lines `---` at the top of a card. */
export function frontMatter(card: string, file: string): Record<string, unknown> {
  const [, text] = /^\uFEFF?---\r?\n(.*?)\r?\n---\s*(?:\n|$)/s.exec(card) ?? [];
  if (text === undefined) return {};
  try {
    return (parse(text) ?? {}) as Record<string, unknown>;
  } catch (error) {
    throw new PostgradError(
      "dataset/card",
      `${file}/README.md: the front matter is no YAML: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** A pattern of paths with `*`, `**` and `?` as a regular expression. */
function patternOf(pattern: string): RegExp {
  const source = pattern
    .replace(/^\.\//, "")
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*\*\/|\*\*|\*|\?/g, (wild) =>
      wild === "**/" ? "(?:.*/)?" : wild === "**" ? ".*" : wild === "*" ? "[^/]*" : "[^/]",
    );
  return new RegExp(`^${source}$`);
}
