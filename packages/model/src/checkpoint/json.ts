import { PostgradError } from "@postgrad/schema";

import type { Files } from "../files/files.ts";

/** Configurations are small; what is larger is something else under their name. */
const greatestJson = 256 * 2 ** 20;

/** A text file of a checkpoint, or undefined where it is missing. */
export async function readText(
  on: Files,
  folder: string,
  name: string,
): Promise<string | undefined> {
  await using file = await on.open(folder, name);
  if (!file) return undefined;
  if (file.size > greatestJson) {
    throw new PostgradError(
      "model/json",
      `${file.path} has ${file.size} bytes; expected at most ${greatestJson}`,
    );
  }
  return new TextDecoder().decode(await file.read(0, file.size));
}

/** A JSON object of a checkpoint, or undefined where the file is missing. NaN and Infinity, which Python writes, are refused. */
export async function readJson(
  on: Files,
  folder: string,
  name: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readText(on, folder, name);
  if (text === undefined) return undefined;
  const value = parse(text, `${folder}/${name}`);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new PostgradError("model/json", `${folder}/${name} holds no JSON object`);
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const constant = /[:,[]\s*-?(NaN|Infinity)/.exec(text)?.[1];
    const what = constant ? `has the value ${constant}, which JSON has not` : "is no JSON";
    throw new PostgradError(
      "model/json",
      `${path} ${what}: write the file again with finite numbers`,
      { cause },
    );
  }
}
