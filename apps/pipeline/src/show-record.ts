import { stripVTControlCharacters, styleText } from "node:util";

import { kindOf, type RawRow } from "@postgrad/schema";

type Format = Parameters<typeof styleText>[0];

const roleFormat: Record<string, Format> = {
  system: "gray",
  user: "cyan",
  assistant: "green",
  tool: "yellow",
};

/** A record as a person would read it: roles in colour, then what is known about it. */
export function showRecord(row: RawRow, title: string): string {
  const { id, schema } = row as { id?: unknown; schema?: unknown };
  const kind = typeof schema === "string" ? schema : (kindOf(row)?.name ?? "row");
  const head = styleText(
    "bold",
    [title, kind, typeof id === "string" ? id : ""].filter(Boolean).join("  "),
  );
  const body = Object.entries(row)
    .filter(([key]) => key !== "schema" && key !== "id")
    .flatMap(([key, value]) => showField(key, value));
  return [head, ...body, ""].join("\n");
}

function showField(key: string, value: unknown): string[] {
  if (isTurns(value)) {
    const heading = key === "messages" ? [] : [styleText("bold", `  ${key}`)];
    return [...heading, ...value.flatMap(showTurn)];
  }
  if (typeof value === "string") return block(`  ${key}  `, value);
  return block(styleText("dim", `  ${key}  `), JSON.stringify(value) ?? "");
}

function showTurn({ role, content, ...rest }: { role: string; content: string }): string[] {
  const name = styleText(roleFormat[role] ?? "magenta", role.padStart(11));
  const more = Object.keys(rest).length > 0 ? [`${" ".repeat(13)}${JSON.stringify(rest)}`] : [];
  return [...block(`${name}  `, content), ...more];
}

/** `text` behind `label`, its further lines below its first. Control characters of the data are not obeyed. */
function block(label: string, text: string): string[] {
  const indent = " ".repeat(stripVTControlCharacters(label).length);
  return stripVTControlCharacters(text)
    .split("\n")
    .map((line, i) => `${i === 0 ? label : indent}${line}`);
}

function isTurns(value: unknown): value is { role: string; content: string }[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (turn) =>
        typeof turn === "object" &&
        turn !== null &&
        typeof (turn as { role?: unknown }).role === "string" &&
        typeof (turn as { content?: unknown }).content === "string",
    )
  );
}
