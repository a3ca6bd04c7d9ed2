import { stringify } from "yaml";

import type { Field } from "../parquet/shape.ts";
import type { Profile } from "../profile.ts";
import { featuresOf, typeName } from "./features.ts";

/** What its author says about a data set; all of it can be left out. */
export interface CardText {
  readonly title?: string | undefined;
  /** Markdown: what it is, how it was made. */
  readonly description?: string | undefined;
  /** SPDX identifiers. By default those that the rows name. */
  readonly licenses?: readonly string[] | undefined;
  /** BCP-47 tags. By default those that the rows name. */
  readonly languages?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Task categories of the hub, e.g. `text-generation`. */
  readonly tasks?: readonly string[] | undefined;
  /** The command that made it. */
  readonly command?: string | undefined;
}

/** One split as the card describes it. */
export interface SplitInfo {
  readonly name: string;
  readonly rows: number;
  /** Bytes before packing. */
  readonly bytes: number;
  /** Pattern of its files, below the folder. */
  readonly files: string;
}

/** A part of a data set whose splits have the same columns. */
export interface ConfigInfo {
  readonly name: string;
  /** The columns, where the files fix them (Parquet). */
  readonly columns?: readonly Field[] | undefined;
  readonly splits: readonly SplitInfo[];
  /** Bytes of its files. */
  readonly fileBytes: number;
}

/** Everything that a card is made of. */
export interface CardInput extends CardText {
  readonly configs: readonly ConfigInfo[];
  readonly profile: Profile;
}

/**
 * The text of a dataset card, `README.md`: the front matter by which the hub and `datasets` find the files, their types and
 * sizes, and for people the numbers.
 */
export function card(input: CardInput): string {
  const { title = "Data set", description, command } = input;
  const parts = [
    `---\n${stringify(frontMatterOf(input), { lineWidth: 0 })}---`,
    `# ${title}`,
    description,
    command && `Made by:\n\n\`\`\`sh\n${command}\n\`\`\``,
    "## Splits",
    splitTable(input.configs),
    ...input.configs.map(columnTable),
    countsTable(input.profile),
    "## Use",
    usage(input.configs),
  ];
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

function frontMatterOf(input: CardInput): Record<string, unknown> {
  const { profile, configs, tags = [], tasks } = input;
  const licenses = (input.licenses ?? Object.keys(profile.licenses)).map((id) => id.toLowerCase());
  const languages = (input.languages ?? Object.keys(profile.languages)).map(primaryTag);
  const infos = configs.filter(({ columns }) => columns).map(infoOf);
  return {
    ...(input.title && { pretty_name: input.title }),
    ...(licenses.length > 0 && { license: licenses.length === 1 ? licenses[0] : licenses }),
    ...(languages.length > 0 && { language: [...new Set(languages)] }),
    ...(tasks && { task_categories: tasks }),
    tags: [...new Set([...tags, "postgrad"])],
    size_categories: [sizeCategory(profile.rows)],
    configs: configs.map(({ name, splits }) => ({
      config_name: name,
      data_files: splits.map(({ name: split, files }) => ({ split, path: files })),
    })),
    ...(infos.length > 0 && { dataset_info: infos }),
  };
}

function infoOf({ name, columns = [], splits, fileBytes }: ConfigInfo): Record<string, unknown> {
  return {
    config_name: name,
    features: featuresOf(columns),
    splits: splits.map((split) => ({
      name: split.name,
      num_bytes: split.bytes,
      num_examples: split.rows,
    })),
    download_size: fileBytes,
    dataset_size: splits.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The hub knows languages by their first subtag. */
const primaryTag = (tag: string): string => tag.split("-")[0]!.toLowerCase();

/** The hub's classes of size. */
export function sizeCategory(rows: number): string {
  const limits = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"];
  const i = limits.findIndex((_, power) => rows < 1000 * 10 ** power);
  if (i === 0) return "n<1K";
  return i < 0 ? "n>1T" : `${limits[i - 1]}<n<${limits[i]}`;
}

function splitTable(configs: readonly ConfigInfo[]): string {
  const lines = configs.flatMap(({ name, splits }) =>
    splits.map((split) => [name, split.name, number(split.rows), number(split.bytes)]),
  );
  return table(["config", "split", "rows", "bytes"], lines);
}

function columnTable({ name, columns }: ConfigInfo): string {
  if (!columns) return "";
  const lines = columns.map((column) => [`\`${column.name}\``, typeName(column.shape)]);
  return `## Columns of \`${name}\`\n\n${table(["column", "type"], lines)}`;
}

function countsTable({
  kinds,
  languages,
  licenses,
  skills,
  strategies,
  rows,
  ...sizes
}: Profile): string {
  const counts = { kinds, languages, licenses, skills, strategies };
  const lines = Object.entries(counts).flatMap(([what, values]) =>
    Object.entries(values).map(([value, n]) => [what, value, number(n), percent(n / rows)]),
  );
  const mean = rows > 0 ? `${number(Math.round(sizes.characters / rows))} characters` : "";
  const turns = sizes.turns > 0 ? ` and ${(sizes.turns / rows).toFixed(1)} turns` : "";
  return rows === 0
    ? "No rows."
    : `## Content\n\nA row has ${mean}${turns} on average.\n\n${table(["by", "value", "rows", "share"], lines)}`;
}

function usage(configs: readonly ConfigInfo[]): string {
  const name = configs[0]?.name ?? "default";
  const config = name === "default" ? "" : `, ${JSON.stringify(name)}`;
  return `\`\`\`python\nfrom datasets import load_dataset\n\ndata = load_dataset("path/to/this/folder"${config})\n\`\`\``;
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`).replaceAll("\n", " ")).join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...lines.map(row)].join("\n");
}

const number = (value: number): string => value.toLocaleString("en-US");
const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;
