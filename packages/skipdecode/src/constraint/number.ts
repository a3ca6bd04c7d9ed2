import {
  byteIn,
  choice,
  type Expression,
  literal,
  oneOf,
  optional,
  repeat,
  sequence,
} from "./expression.ts";

/** Bounds of a number, both included unless marked. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  readonly exclusiveMin?: boolean;
  readonly exclusiveMax?: boolean;
}

const digit = byteIn([0x30, 0x39]);
/** Without bounds a number has at most 15 digits before the point: then it is safe as a double, and it ends. */
const widest = 10n ** 15n - 1n;

/** Any number as JSON writes it, of a size that stays finite. */
export const number = sequence(
  optional(literal("-")),
  choice(literal("0"), sequence(oneOf("123456789"), repeat(digit, 0, 14))),
  optional(sequence(literal("."), repeat(digit, 1, 16))),
  optional(sequence(oneOf("eE"), optional(oneOf("+-")), repeat(digit, 1, 2))),
);

/** An integer within the range; undefined where there is none. */
export const integer = (range: NumberRange): Expression | undefined => scaled(range, 0);

/** An integer or a decimal fraction within the range; undefined where there is none with twelve digits. */
export function numberIn(range: NumberRange): Expression | undefined {
  if (range.min === undefined && range.max === undefined) return number;
  const places = [range.min ?? 0, range.max ?? 0].map(decimalPlaces);
  const some = [integer(range), scaled(range, Math.min(12, Math.max(2, ...places)))];
  const found = some.filter((one) => one !== undefined);
  return found.length > 0 ? choice(...found) : undefined;
}

/** Numbers with exactly `places` digits after the point, compared as integers of 10^-places. */
function scaled(range: NumberRange, places: number): Expression | undefined {
  const { min, max } = range;
  const limit = widest * 10n ** BigInt(places);
  let from = min === undefined ? -limit : inUnits(min, places, "up");
  let to = max === undefined ? limit : inUnits(max, places, "down");
  if (range.exclusiveMin && from === inUnits(min!, places, "down")) from += 1n;
  if (range.exclusiveMax && to === inUnits(max!, places, "up")) to -= 1n;
  const options: Expression[] = [];
  if (from < 0n && from <= to) {
    const nearest = to < 0n ? -to : 1n; // never "-0"
    options.push(sequence(literal("-"), magnitude(nearest, -from, places)));
  }
  if (to >= 0n && from <= to) options.push(magnitude(from > 0n ? from : 0n, to, places));
  return options.length > 0 ? choice(...options) : undefined;
}

/** The integers `from` to `to`, none negative, as digits with a point before the last `places`. */
function magnitude(from: bigint, to: bigint, places: number): Expression {
  const options: Expression[] = [];
  for (let length = places + 1; length <= Math.max(places + 1, `${to}`.length); length++) {
    const least = length === places + 1 ? 0n : 10n ** BigInt(length - 1);
    const most = 10n ** BigInt(length) - 1n;
    const low = from > least ? from : least;
    const high = to < most ? to : most;
    if (low > high) continue;
    const [a, b] = [low, high].map((value) => `${value}`.padStart(length, "0"));
    options.push(between(a!, b!, places));
  }
  return choice(...options);
}

/** Digit strings of one length from `low` to `high`. */
function between(low: string, high: string, places: number): Expression {
  if (low === "") return sequence();
  const point = low.length === places ? [literal(".")] : [];
  const [first, last] = [Number(low[0]), Number(high[0])];
  const rest = (a: string, b: string): Expression => between(a, b, places);
  const [a, b] = [low.slice(1), high.slice(1)];
  const [zeros, nines] = ["0".repeat(a.length), "9".repeat(a.length)];
  if (first === last) return sequence(...point, literal(low[0]!), rest(a, b));
  // Nothing but nines above or zeros below: all digits are alike from here on.
  const start = a === zeros ? first : first + 1;
  const end = b === nines ? last : last - 1;
  const options: Expression[] = [];
  if (start > first) options.push(sequence(literal(low[0]!), rest(a, nines)));
  if (start <= end) options.push(sequence(byteIn([0x30 + start, 0x30 + end]), rest(zeros, nines)));
  if (end < last) options.push(sequence(literal(high[0]!), rest(zeros, b)));
  return sequence(...point, choice(...options));
}

/** `value` in units of 10^-places, rounded up or down where it lies between two. */
function inUnits(value: number, places: number, rounding: "up" | "down"): bigint {
  const { digits, exponent } = decimal(value);
  const power = exponent + places;
  if (power >= 0) return digits * 10n ** BigInt(power);
  const unit = 10n ** BigInt(-power);
  const floor = digits / unit - (digits % unit < 0n ? 1n : 0n);
  return rounding === "up" && floor * unit !== digits ? floor + 1n : floor;
}

const decimalPlaces = (value: number): number => Math.max(0, -decimal(value).exponent);

/** A double as its shortest decimal: digits times a power of ten. */
function decimal(value: number): { digits: bigint; exponent: number } {
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}
