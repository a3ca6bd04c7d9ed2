import type { Command } from "./command.ts";
import { flagOf, type OptionSchema } from "./options.ts";

/** A flag that takes more room has its description on a line of its own. */
const widest = 40;

/** The page of `postgrad --help`. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `postgrad: from raw documents and a small model to a better model, and the evidence\n\nUse: postgrad COMMAND [OPTIONS]   (from a clone: npm run -s postgrad -- COMMAND [OPTIONS])\n\n${lines.join("\n")}\n\n  postgrad COMMAND --help shows a command's options and an example.\n`;
}

/** The page of `postgrad COMMAND --help`: all from the command's schema. */
export function commandHelp({ name, summary, example, positionals, options }: Command): string {
  const words = positionals.map(
    (word) => word.replace("...", "").toUpperCase() + (word.endsWith("...") ? "..." : ""),
  );
  const rows = Object.entries(options.properties as Record<string, OptionSchema>).map(
    ([key, schema]) => optionRow(key, schema),
  );
  rows.push(["--json", "one JSON object, or one event a line, on standard output"]);
  const width = Math.max(...rows.map(([flag]) => flag.length).filter((n) => n <= widest));
  const lines = rows.map(([flag, text]) =>
    flag.length <= widest
      ? `  ${flag.padEnd(width)}  ${text}`.trimEnd()
      : `  ${flag}\n${" ".repeat(width + 4)}${text}`,
  );
  return `postgrad ${name}: ${summary}\n\nUse: ${["postgrad", name, ...words, "[OPTIONS]"].join(" ")}\n\n${lines.join("\n")}\n\nExample:\n  ${example}\n`;
}

function optionRow(key: string, schema: OptionSchema): [string, string] {
  const { type, default: preset, description = "" } = schema;
  const more = type === "array" ? " (may be repeated)" : "";
  const fallback =
    preset === undefined || preset === false ? "" : ` (default: ${JSON.stringify(preset)})`;
  const no = type === "boolean" && preset === true ? "[no-]" : "";
  return [`--${no}${flagOf(key)}${valueWord(schema)}`, `${description}${more}${fallback}`.trim()];
}

/** What stands behind a flag: nothing, the words to choose from, or TEXT, NUMBER, INTEGER. */
function valueWord({ type, enum: words, items }: OptionSchema): string {
  if (type === "boolean") return "";
  if (type === "array") return valueWord(items ?? { type: "string" });
  if (words) return ` ${words.join("|")}`;
  return type === "string" || type === undefined ? " TEXT" : ` ${type.toUpperCase()}`;
}
