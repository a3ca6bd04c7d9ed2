import { type Static, type TSchema, Type } from "typebox";

import { HandOffConfig } from "../trl/config.ts";

/**
 * How well a value is known: `published` (a source states it), `recalled` (believed to be the paper's, no source at hand),
 * `derived` (follows from stated values), `recommended` (the paper is silent or unclear; a usual choice).
 */
export const Source = Type.Enum(["published", "recalled", "derived", "recommended"]);
export type Source = Static<typeof Source>;

const sourced = <Value extends TSchema>(value: Value) =>
  Type.Object({ value, source: Source }, { additionalProperties: false });

/** The options that a recipe of a paper can set; where and on what machine it runs is the user's. */
const options = HandOffConfig.properties;
const Settings = Type.Object(
  {
    loss: sourced(Type.String()),
    lr: sourced(options.lr),
    batchSize: sourced(options.batchSize),
    epochs: sourced(options.epochs),
    maxLength: sourced(options.maxLength),
    schedule: sourced(options.schedule),
    warmup: sourced(options.warmup),
    weightDecay: sourced(options.weightDecay),
    packing: sourced(options.packing),
    precision: Type.Optional(sourced(Type.Enum(["bf16", "fp16", "fp32"]))),
    beta: Type.Optional(sourced(Type.Number({ exclusiveMinimum: 0 }))),
    delta: Type.Optional(sourced(Type.Number({ exclusiveMinimum: 0 }))),
    lambda: Type.Optional(sourced(Type.Number({ minimum: 0 }))),
    loraRank: Type.Optional(sourced(options.loraRank)),
  },
  { additionalProperties: false },
);

/** The training recipe of a paper, or of one of its stages, with the source of every value. */
export const Preset = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z0-9]+(-[a-z0-9]+)*$" }),
    title: Type.String({ minLength: 1 }),
    paper: Type.String({ pattern: "arXiv [0-9]{4}\\.[0-9]{5}" }),
    /** The checkpoint that training starts from, in words; for a later stage the one that `after` gives. */
    base: Type.String({ minLength: 1 }),
    /** Name of the preset whose result is the base. */
    after: Type.Optional(Type.String()),
    /** What the rows are, in words. */
    data: Type.String({ minLength: 1 }),
    /** Rows of one pass, where they are known. */
    rows: Type.Optional(sourced(Type.Integer({ minimum: 1 }))),
    /** The order of the rows. */
    order: sourced(Type.Enum(["shuffled", "easy-to-hard"])),
    /** Whether each position is trained through the layers that it will run, which TRL cannot do. */
    depthSchedule: Type.Boolean({ default: false }),
    settings: Settings,
    notes: Type.Array(Type.String()),
  },
  { additionalProperties: false, title: "A paper's training recipe" },
);
export type Preset = Static<typeof Preset>;

/** A value and how well it is known. */
export interface Sourced<Value> {
  readonly value: Value;
  readonly source: Source;
}

const from =
  (source: Source) =>
  <const Value>(value: Value) => ({ value, source });

/** A source states it. */
export const published = from("published");
/** Believed to be the paper's; no source at hand states it. */
export const recalled = from("recalled");
/** Follows from stated values. */
export const derived = from("derived");
/** A usual choice where the paper is silent. */
export const recommended = from("recommended");
