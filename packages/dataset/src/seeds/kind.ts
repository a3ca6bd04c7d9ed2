import { basename, extname } from "node:path";

import type { SeedDocument } from "@postgrad/schema";

const markdown = new Set(["md", "mdx", "markdown"]);
const api = new Set(["graphql", "gql", "proto", "raml", "wsdl"]);
const code = new Set(
  (
    "astro bash c cc clj cljs cmake cpp cs css cu cxx d dart el elm erl ex exs f f90 fs fsx go gradle groovy h hh hpp hs " +
    "ipynb java jl js jsx kt kts less lisp lua m mjs cjs ml mli mm mts cts nim nix pas php pl pm ps1 py pyi r rb rkt rs " +
    "sass scala scm scss sh sol sql svelte swift tcl tf ts tsx v vb vhd vue wat wgsl zig zsh"
  ).split(" "),
);
const codeNames = new Set(["dockerfile", "makefile", "justfile", "rakefile", "gemfile"]);

/** What a document is, by its name and, for API descriptions in YAML or JSON, by how it begins. */
export function kindOfDocument(path: string, text: string): Pick<SeedDocument, "kind" | "format"> {
  const name = basename(path).toLowerCase();
  const ending = extname(name).slice(1);
  const format = ending === "" ? {} : { format: ending };
  if (markdown.has(ending)) return { kind: "markdown", ...format };
  if (api.has(ending)) return { kind: "api", ...format };
  if (code.has(ending)) return { kind: "code", ...format };
  if (codeNames.has(name)) return { kind: "code", format: name };
  // The first key of an OpenAPI or Swagger description, in either notation.
  const describesApi =
    /^(ya?ml|json)$/.test(ending) && /^[{\s]*"?(openapi|swagger)"?\s*:/m.test(text.slice(0, 2000));
  return { kind: describesApi ? "api" : "text", ...format };
}

const prose = new Set(["txt", "text", "rst", "adoc", "tex", "html", "htm"]);

/** Tells whether a name is that of a document: what kind of text it holds is known. */
export function isDocument(path: string): boolean {
  const ending = extname(path).slice(1).toLowerCase();
  return [markdown, api, code, prose].some((endings) => endings.has(ending));
}

/** The licence that a file states for itself in the form of SPDX, near its top. */
export function statedLicense(text: string): string | undefined {
  return /SPDX-License-Identifier:\s*([\w.+-]+)/.exec(text.slice(0, 4000))?.[1];
}
