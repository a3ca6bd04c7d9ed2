import { writeFile } from "node:fs/promises";
import { basename, relative } from "node:path";

import {
  card as cardText,
  type ConfigInfo,
  dataFiles,
  profiler,
  readRows,
} from "@postgrad/dataset";
import { Type } from "typebox";

import { type Context, defineCommand } from "./command.ts";
import { pathOf } from "./paths.ts";

const options = Type.Object(
  {
    in: Type.String({ description: "file or folder of records" }),
    out: Type.Optional(
      Type.String({ description: "file to write, e.g. README.md (default: standard output)" }),
    ),
    title: Type.Optional(Type.String({ description: "name of the data set" })),
    description: Type.Optional(
      Type.String({ description: "what it is and how it was made, in Markdown" }),
    ),
    license: Type.Optional(
      Type.Array(Type.String(), {
        description: "SPDX identifier (default: those that the rows name)",
      }),
    ),
    language: Type.Optional(
      Type.Array(Type.String(), { description: "BCP-47 tag (default: those that the rows name)" }),
    ),
    tag: Type.Optional(Type.Array(Type.String(), { description: "tag for the hub" })),
  },
  { additionalProperties: false },
);

export const card = defineCommand({
  name: "card",
  summary: "writes the dataset card of a file or folder, with its numbers",
  example: 'postgrad card data --title "My examples" --license CC-BY-4.0 --out data/README.md',
  positionals: ["in"],
  options,
  run: async ({ in: source, out, title, description, license, language, tag }, context) => {
    const { configs, profile } = await measure(source, context);
    const text = cardText({
      title: title ?? basename(source),
      description,
      licenses: license,
      languages: language,
      tags: tag,
      configs,
      profile,
    });
    if (out === undefined) context.output.result({ card: text, profile }, text.trimEnd());
    else {
      await writeFile(pathOf(context, out), text);
      context.output.result(
        { path: pathOf(context, out), profile },
        `${out}: the card of ${profile.rows} rows`,
      );
    }
  },
});

/** Reads all rows once; counts them as a whole and by split. */
async function measure(source: string, context: Context) {
  const path = pathOf(context, source);
  const whole = profiler();
  const configs = new Map<
    string,
    { name: string; splits: Map<string, ConfigInfo["splits"][number]>; fileBytes: number }
  >();
  for (const file of await dataFiles(path)) {
    const config = configs.get(file.config) ?? {
      name: file.config,
      splits: new Map(),
      fileBytes: 0,
    };
    configs.set(file.config, config);
    let [rows, bytes] = [0, 0];
    for await (const row of readRows(file.path, undefined, { allowEmpty: true })) {
      rows += 1;
      bytes += JSON.stringify(row).length;
      whole.add(row);
    }
    config.fileBytes += bytes;
    const split = config.splits.get(file.split);
    const files = split?.files ?? (file.path === path ? basename(path) : relative(path, file.path));
    config.splits.set(file.split, {
      name: file.split,
      rows: (split?.rows ?? 0) + rows,
      bytes: (split?.bytes ?? 0) + bytes,
      files,
    });
  }
  const infos: ConfigInfo[] = [...configs.values()].map(({ splits, ...config }) => ({
    ...config,
    splits: [...splits.values()],
  }));
  return { configs: infos, profile: whole.profile() };
}
