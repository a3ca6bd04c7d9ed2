import { PostgradError } from "@postgrad/schema";

/**
 * The length of one axis: a number, a symbol that is bound when the graph runs (`"batch"`, `"past + tokens"`), or `"?"`,
 * which broadcasts against anything.
 */
export type Dimension = number | string;

/** Lengths of all axes, outermost first; `[]` is a scalar. */
export type Shape = readonly Dimension[];

/** The dimension that says nothing: equal to every other when shapes are broadcast. */
export const unknownDimension = "?";

/** The length of axes laid end to end. */
export function sumOf(dimensions: Shape): Dimension {
  const numbers = dimensions.filter((dimension) => typeof dimension === "number");
  const symbols = dimensions.filter((dimension) => typeof dimension === "string");
  const constant = numbers.reduce((total, part) => total + part, 0);
  if (symbols.length === 0) return constant;
  return [...symbols, ...(constant === 0 ? [] : [constant])].join(" + ");
}

/** The length of axes folded into one. Equal products read the same, in whatever order and nesting they were made. */
export function productOf(dimensions: Shape): Dimension {
  const factors = dimensions.flatMap(factorsOf);
  const constant = factors
    .filter((factor) => typeof factor === "number")
    .reduce((total, part) => total * part, 1);
  const symbols = factors.filter((factor) => typeof factor === "string");
  if (symbols.length === 0 || constant === 0) return constant;
  if (symbols.length === 1 && constant === 1) return symbols[0]!.replace(/^\((.*)\)$/, "$1");
  return [...(constant === 1 ? [] : [constant]), ...symbols.toSorted()].join(" * ");
}

/** `"4 * (past + tokens)"` as 4 and `"(past + tokens)"`. */
function factorsOf(dimension: Dimension): Shape {
  if (typeof dimension === "number") return [dimension];
  if (dimension.includes(" + ") && !dimension.includes(" * ")) return [`(${dimension})`];
  return dimension
    .split(/ \* (?![^(]*\))/)
    .map((factor) => (/^\d+$/.test(factor) ? Number(factor) : factor));
}

/** The shape of an element-wise operation over both, by NumPy's rules. */
export function broadcast(left: Shape, right: Shape): Shape {
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, axis) => {
    const a = left[axis - rank + left.length] ?? 1;
    const b = right[axis - rank + right.length] ?? 1;
    if (a === b || b === 1 || b === unknownDimension) return a;
    if (a === 1 || a === unknownDimension) return b;
    throw new PostgradError(
      "model/shape",
      `[${left.join(", ")}] and [${right.join(", ")}] do not broadcast: ${a} against ${b}`,
    );
  });
}
