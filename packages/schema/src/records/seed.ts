import { type Static, Type } from "typebox";

import { defineRecord } from "../record-kind.ts";
import { Meta } from "./lineage.ts";

/** What a raw document is. */
export const SeedKind = Type.Enum(["text", "markdown", "code", "api"]);

/** A raw document, as it was found. */
export const seedRecord = defineRecord({
  tag: "seed/1",
  title: "A raw document",
  fields: {
    id: Type.String({ minLength: 1 }),
    kind: SeedKind,
    source: Type.String({
      description: "where it was found: a path below the given root, or a URL",
    }),
    text: Type.String(),
    format: Type.Optional(
      Type.String({ description: "programming language or file type, e.g. ts" }),
    ),
    license: Type.Optional(Type.String({ description: "SPDX identifier" })),
    meta: Type.Optional(Meta),
  },
  identity: ["kind", "text"],
  upgrades: [(row) => ({ kind: "text", source: "unknown", ...row })],
});
export const SeedDocument = seedRecord.schema;
export type SeedDocument = Static<typeof SeedDocument>;

/** A piece of a seed document, cut at the document's own structure. */
export const passageRecord = defineRecord({
  tag: "passage/1",
  title: "A piece of a raw document",
  fields: {
    id: Type.String({ minLength: 1 }),
    seed: Type.String({ description: "id of the seed document" }),
    kind: SeedKind,
    text: Type.String({ minLength: 1 }),
    start: Type.Integer({ minimum: 0, description: "offset in the seed's text, in UTF-16 units" }),
    end: Type.Integer({ minimum: 0 }),
    headings: Type.Optional(
      Type.Array(Type.String(), { description: "headings above it, outermost first" }),
    ),
    license: Type.Optional(Type.String()),
    meta: Type.Optional(Meta),
  },
  identity: ["kind", "text"],
  upgrades: [(row) => row],
});
export const Passage = passageRecord.schema;
export type Passage = Static<typeof Passage>;
