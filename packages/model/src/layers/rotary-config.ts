import { PostgradError } from "@postgrad/schema";

import { ConfigReader } from "../families/config-reader.ts";
import type { DecoderSizes } from "../families/decoder.ts";
import type { Rotary } from "./rotary.ts";

/** What the scalings of rotary embedding are computed from. */
interface RotaryBase {
  readonly dim: number;
  readonly theta: number;
  readonly maxPositions: number;
  /** `original_max_position_embeddings`, beside or among the scaling's fields. */
  readonly original: number | undefined;
}

/** What one family does differently. */
export interface RotaryQuirks {
  /** Older names of scalings. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** The family may rotate a part of each head only. */
  readonly partial?: boolean;
  /** `original_max_position_embeddings` where the configuration says nothing. */
  readonly original?: number;
}

/** One way to stretch rotary embedding over longer texts. */
type Scaling = (base: RotaryBase, fields: ConfigReader) => Omit<Rotary, "dim">;

/** Every scaling by its `rope_type`. */
const scalings: Readonly<Record<string, Scaling>> = {
  default: plain,
  linear,
  dynamic,
  llama3,
  yarn,
  longrope,
};

/**
 * Reads the rotary embedding of a configuration: `rope_parameters` as transformers 5 writes it, or `rope_theta`,
 * `rope_scaling` and `partial_rotary_factor` as older ones do. The formulas are those of transformers'
 * `modeling_rope_utils`.
 */
export function readRotary(
  config: ConfigReader,
  { headDim, maxPositions }: Pick<DecoderSizes, "headDim" | "maxPositions">,
  { aliases = {}, partial: mayBePartial = false, original: assumed }: RotaryQuirks = {},
): Rotary {
  const fields =
    config.object("rope_parameters") ?? config.object("rope_scaling") ?? new ConfigReader({});
  const theta = fields.positive("rope_theta", config.positive("rope_theta", 10000));
  const share = fields.positive(
    "partial_rotary_factor",
    config.positive("partial_rotary_factor", 1),
  );
  if (!mayBePartial && share !== 1) fields.oneOf("partial_rotary_factor", [1], share);
  const known = [...Object.keys(scalings), ...Object.keys(aliases)];
  const name = fields.oneOf("rope_type", known, fields.oneOf("type", known, "default"));
  const scaling = scalings[aliases[name] ?? name]!;
  const original = originalPositions(fields) ?? originalPositions(config) ?? assumed;
  const dim = rotatedDimensions(headDim, share);
  const rotary = { dim, ...scaling({ dim, theta, maxPositions, original }, fields) };
  fields.finish();
  return rotary;
}

const originalPositions = (fields: ConfigReader): number | undefined =>
  fields.has("original_max_position_embeddings")
    ? fields.integer("original_max_position_embeddings")
    : undefined;

function plain(base: RotaryBase): Omit<Rotary, "dim"> {
  return fixed(unscaled(base));
}

function linear(base: RotaryBase, fields: ConfigReader): Omit<Rotary, "dim"> {
  const factor = fields.positive("factor");
  return fixed(unscaled(base).map((frequency) => frequency / factor));
}

function dynamic({ theta, maxPositions }: RotaryBase, fields: ConfigReader): Omit<Rotary, "dim"> {
  const factor = fields.positive("factor");
  return {
    attentionFactor: 1,
    frequencies: { kind: "dynamic", original: maxPositions, base: theta, factor },
  };
}

/** Long wavelengths are divided by the factor, short ones kept, those between blended. */
function llama3(base: RotaryBase, fields: ConfigReader): Omit<Rotary, "dim"> {
  const factor = fields.positive("factor");
  const low = fields.positive("low_freq_factor");
  const high = fields.positive("high_freq_factor");
  const original = base.original ?? fields.integer("original_max_position_embeddings");
  const scale = (frequency: number): number => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < original / high) return frequency;
    if (wavelength > original / low) return frequency / factor;
    const smooth = (original / wavelength - low) / (high - low);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  };
  return fixed(unscaled(base).map(scale));
}

/** YaRN (arXiv 2309.00071): interpolation for slow pairs, extrapolation for fast ones, a ramp between. */
function yarn(base: RotaryBase, fields: ConfigReader): Omit<Rotary, "dim"> {
  const { dim, theta, maxPositions } = base;
  const original = base.original ?? maxPositions;
  const factor = fields.positive("factor", maxPositions / original);
  const pairOf = (rotations: number): number =>
    (dim * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const whole = fields.boolean("truncate", true);
  const fastest = pairOf(fields.positive("beta_fast", 32));
  const slowest = pairOf(fields.positive("beta_slow", 1));
  const low = Math.max(whole ? Math.floor(fastest) : fastest, 0);
  const high = Math.min(whole ? Math.ceil(slowest) : slowest, dim - 1);
  const width = high === low ? 0.001 : high - low;
  const scaled = unscaled(base).map((frequency, pair) => {
    const ramp = Math.min(Math.max((pair - low) / width, 0), 1);
    return (frequency / factor) * ramp + frequency * (1 - ramp);
  });
  return fixed(scaled, yarnAttentionFactor(fields, factor));
}

function yarnAttentionFactor(fields: ConfigReader, factor: number): number {
  const scale = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const both = fields.has("mscale") && fields.has("mscale_all_dim");
  const derived = both
    ? scale(fields.positive("mscale")) / scale(fields.positive("mscale_all_dim"))
    : scale(1);
  return fields.positive("attention_factor", derived);
}

/** LongRoPE (arXiv 2402.13753): a divisor for each pair, one set for short rows and one for long ones. */
function longrope(base: RotaryBase, fields: ConfigReader): Omit<Rotary, "dim"> {
  const original = base.original ?? fields.integer("original_max_position_embeddings");
  const divided = (name: string): readonly number[] => {
    const divisors = fields.numbers(name, base.dim / 2);
    return unscaled(base).map((frequency, pair) => frequency / divisors[pair]!);
  };
  const factor = fields.positive("factor", base.maxPositions / original);
  const derived = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
  return {
    attentionFactor: fields.positive("attention_factor", derived),
    frequencies: {
      kind: "switch",
      original,
      short: divided("short_factor"),
      long: divided("long_factor"),
    },
  };
}

/** theta ^ (-2i / dim), rounded where float32 rounds on the way in the original, so that far positions turn alike. */
const unscaled = ({ dim, theta }: RotaryBase): readonly number[] =>
  Array.from({ length: dim / 2 }, (_, pair) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * pair) / dim))),
  );

const fixed = (inverse: readonly number[], attentionFactor = 1): Omit<Rotary, "dim"> => ({
  attentionFactor,
  frequencies: { kind: "fixed", inverse },
});

function rotatedDimensions(headDim: number, share: number): number {
  const dim = Math.trunc(headDim * share);
  if (dim > 0 && dim % 2 === 0 && dim <= headDim) return dim;
  throw new PostgradError(
    "model/config",
    `config.json: ${dim} of the ${headDim} dimensions of a head would be rotated; expected an even number of them, at least 2`,
  );
}
