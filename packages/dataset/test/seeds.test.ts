import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Drop, parseRecord, records, type SeedDocument } from "@postgrad/schema";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { collect, contentId, passages, passagesOf, readRows, readSeeds } from "../src/index.ts";
import { freshFolder, stream } from "./folder.ts";

const lay = (files: Record<string, string | Buffer>): string => {
  const folder = freshFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
};

const seed = (kind: SeedDocument["kind"], text: string): SeedDocument => ({
  schema: "seed/1",
  id: "s",
  kind,
  source: "s",
  text,
});

describe("a folder of documents", () => {
  test("comes in the order of its paths, each with kind, format, licence and an id of its content", async () => {
    const folder = lay({
      "b/readme.md": "# Oil\n\nOil floats.\n",
      "a.txt": "\uFEFFPlain prose.",
      "b/a.ts": "// SPDX-License-Identifier: MIT\nexport const a = 1;\n",
      "api/pets.yaml": "# pets\nopenapi: 3.1.0\ninfo: {}\n",
      "api/plain.yaml": "a: 1\n",
      "api/pets.json": '{\n  "swagger": "2.0"\n}\n',
      Makefile: "all:\n\techo\n",
      ".git/config": "hidden",
      "node_modules/x/index.js": "not ours",
    });
    const seeds = await collect(readSeeds(folder, { license: "Apache-2.0" }));
    expect(
      seeds.map(({ source, kind, format, license }) => [source, kind, format, license]),
    ).toEqual([
      ["Makefile", "code", "makefile", "Apache-2.0"],
      ["a.txt", "text", "txt", "Apache-2.0"],
      ["api/pets.json", "api", "json", "Apache-2.0"],
      ["api/pets.yaml", "api", "yaml", "Apache-2.0"],
      ["api/plain.yaml", "text", "yaml", "Apache-2.0"],
      ["b/a.ts", "code", "ts", "MIT"],
      ["b/readme.md", "markdown", "md", "Apache-2.0"],
    ]);
    for (const row of seeds) {
      expect(row.id).toBe(contentId(row));
      expect(parseRecord(records.seed, row)).toBe(row);
    }
    expect(seeds[1]!.text).toBe("Plain prose.");
    expect(await collect(readSeeds(folder, { license: "Apache-2.0" }))).toEqual(seeds);
  });

  test("loses what is no text, with the reason, and goes on", async () => {
    const outside = lay({ "secret.txt": "secret" });
    const folder = lay({
      "binary.png": Buffer.from([0x89, 0x50, 0, 1]),
      "latin.txt": Buffer.from([0x67, 0x72, 0xfc, 0x6e]),
      "large.txt": "x".repeat(2000),
      "empty.txt": " \n",
      "good.txt": "Good.",
    });
    symlinkSync(`${outside}/secret.txt`, `${folder}/link.txt`);
    symlinkSync(outside, `${folder}/linked-folder`);
    symlinkSync(`${folder}/nowhere`, `${folder}/broken.txt`);
    symlinkSync(folder, `${folder}/loop`);
    execFileSync("mkfifo", [`${folder}/pipe`]);
    const drops: Drop[] = [];
    const onDrop = (drop: Drop): void => void drops.push(drop);
    const seeds = await collect(readSeeds(folder, { maxBytes: 1000, onDrop }));
    expect(seeds.map(({ source }) => source)).toEqual(["good.txt"]);
    expect(drops.map(({ code, file }) => [file!.slice(folder.length + 1), code])).toEqual([
      ["binary.png", "dataset/binary"],
      ["broken.txt", "dataset/missing"],
      ["empty.txt", "dataset/empty"],
      ["large.txt", "dataset/too-large"],
      ["latin.txt", "dataset/not-utf8"],
      ["link.txt", "dataset/outside-root"],
      ["linked-folder", "dataset/outside-root"],
      ["pipe", "dataset/not-a-file"],
    ]);
  });

  test("may reach through links what lies in a wider root, once", async () => {
    const root = lay({ "shared/common.txt": "Common.", "mine/own.txt": "Own." });
    symlinkSync(`${root}/shared`, `${root}/mine/a`);
    symlinkSync(`${root}/shared`, `${root}/mine/b`);
    const seeds = await collect(readSeeds(`${root}/mine`, { root }));
    expect(seeds.map(({ source }) => source)).toEqual(["mine/a/common.txt", "mine/own.txt"]);
  });

  test("is refused where it is missing, lies outside the root, or holds no document", async () => {
    const folder = lay({ "a.bin": Buffer.from([0]) });
    await expect(collect(readSeeds(`${folder}/no`))).rejects.toThrow("there is no such file");
    await expect(collect(readSeeds(`${folder}/..`, { root: folder }))).rejects.toThrow(
      "outside the root",
    );
    await expect(collect(readSeeds(folder))).rejects.toThrow("holds no text document");
  });

  test("is what rows are read from where there are no files of rows", async () => {
    const folder = lay({ "a.md": "# A", "b/c.ts": "export {};" });
    const seeds = await collect(readSeeds(folder));
    expect(await collect(readRows(folder, records.seed))).toEqual(seeds);
    expect(await collect(readRows(`${folder}/b/c.ts`))).toMatchObject([
      { source: "c.ts", kind: "code" },
    ]);
    await expect(collect(readRows(lay({ "a.jsnl": "{}" }) + "/a.jsnl"))).rejects.toThrow(
      "cannot tell the format",
    );
  });

  test("may be one file", async () => {
    const folder = lay({ "a.md": "# A" });
    expect(await collect(readSeeds(`${folder}/a.md`))).toMatchObject([
      { source: "a.md", kind: "markdown" },
    ]);
  });
});

describe("a document is cut", () => {
  const guide = `# Oil

Oil floats on water.

## Why

It is less dense.

\`\`\`python
def density(m, v):

    # Not a heading
    return m / v
\`\`\`

Underlined
----------

Done.
`;

  test("at headings, paragraphs and code blocks of Markdown", () => {
    const cut = passagesOf(seed("markdown", guide), { minLength: 0, maxLength: 90 });
    expect(cut.map(({ text, headings }) => ({ text, headings }))).toEqual([
      { text: "# Oil\n\nOil floats on water.", headings: ["Oil"] },
      { text: "## Why\n\nIt is less dense.", headings: ["Oil", "Why"] },
      {
        text: "```python\ndef density(m, v):\n\n    # Not a heading\n    return m / v\n```",
        headings: ["Oil", "Why"],
      },
      { text: "Underlined\n----------\n\nDone.", headings: ["Oil", "Underlined"] },
    ]);
  });

  test("and joined again where the pieces are short", () => {
    const cut = passagesOf(seed("markdown", guide), { minLength: 1000, maxLength: 4000 });
    expect(cut.map(({ text }) => text)).toEqual([guide.trim()]);
  });

  test("at the definitions of programs", () => {
    const text = `import os\n\n\n# Adds.\ndef add(a, b):\n    c = a\n\n    return c + b\n\n\nclass A:\n    x = 1\n\n    def f(self):\n        pass\n`;
    const cut = passagesOf(seed("code", text), { minLength: 0, maxLength: 60 });
    expect(cut.map((passage) => passage.text)).toEqual([
      "import os",
      "# Adds.\ndef add(a, b):\n    c = a\n\n    return c + b",
      "class A:\n    x = 1\n\n    def f(self):\n        pass",
    ]);
    const braces = `function f() {\n  a();\n\n  b();\n}\n\nfunction g() {\n\n}\n`;
    expect(
      passagesOf(seed("code", braces), { minLength: 0, maxLength: 40 }).map((p) => p.text),
    ).toEqual(["function f() {\n  a();\n\n  b();\n}", "function g() {\n\n}"]);
  });

  test("inside a paragraph only where it is too long, at the end of a sentence", () => {
    const text = "One two three. Four five six. Seven eight nine ten eleven.";
    const cut = passagesOf(seed("text", text), { minLength: 0, maxLength: 32 });
    expect(cut.map((passage) => passage.text)).toEqual([
      "One two three. Four five six.",
      "Seven eight nine ten eleven.",
    ]);
  });

  test("into passages that are records, with what they come from", async () => {
    const source = { ...seed("markdown", guide), license: "MIT", meta: { language: "en" } };
    const cut = await collect(passages()(stream([source])));
    expect(cut).toHaveLength(1);
    for (const passage of cut) {
      expect(parseRecord(records.passage, passage)).toBe(passage);
      expect(passage).toMatchObject({ seed: "s", license: "MIT", meta: { language: "en" } });
    }
  });

  const words = fc.constantFrom(
    "word",
    "#",
    "# Head",
    "```",
    "---",
    " ",
    "\n",
    "\n\n",
    "🌍",
    "。",
    "\r\n",
    "{",
    "}",
    "- a",
  );
  const anyText = fc.array(words, { maxLength: 200 }).map((parts) => parts.join(" "));
  test.each(["markdown", "code", "text", "api"] as const)(
    "%s: nothing is lost, doubled or too long",
    (kind) => {
      const sizes = {
        maxLength: fc.integer({ min: 2, max: 80 }),
        minLength: fc.integer({ min: 0, max: 60 }),
      };
      fc.assert(
        fc.property(anyText, fc.record(sizes), (text, options) => {
          let end = 0;
          for (const passage of passagesOf(seed(kind, text), options)) {
            expect(text.slice(end, passage.start).trim()).toBe("");
            expect(passage.text).toBe(text.slice(passage.start, passage.end));
            expect(passage.text.length).toBeLessThanOrEqual(options.maxLength);
            expect(passage.text.isWellFormed()).toBe(true);
            end = passage.end;
          }
          expect(text.slice(end).trim()).toBe("");
        }),
      );
    },
  );
});
