import type { SkipScheduleConfig } from "@postgrad/schema";

/** What decides the exit point of a generated token. */
export type ExitFall = Pick<
  SkipScheduleConfig,
  "maxExit" | "minExit" | "generated" | "shape" | "power" | "rounding"
>;

/**
 * The exit point (number of active layers) of generated token `index`. With t = min(1, index / (generated - 1)):
 *
 * - `linear`: (1 - t) maxExit + t minExit, in exact integer arithmetic
 * - `constant`: maxExit throughout
 * - `cosine`: half a cosine from maxExit to minExit
 * - `step`: maxExit in the first half of the schedule, minExit in the second
 * - `power`: minExit + (maxExit - minExit) (1 - t)^power, power 2 by default
 */
export function exitAt(index: number, fall: ExitFall): number {
  const { maxExit, minExit, generated, shape = "linear", rounding = "half-up" } = fall;
  const last = Math.max(generated - 1, 1);
  const step = Math.min(index, last);
  const depth = maxExit - minExit;
  const t = step / last;
  const exit = {
    linear: () => rounded(maxExit * last - depth * step, last, rounding),
    constant: () => maxExit,
    step: () => (2 * step < last ? maxExit : minExit),
    cosine: () => snapped(minExit + (depth * (1 + Math.cos(Math.PI * t))) / 2, rounding),
    power: () => snapped(minExit + depth * (1 - t) ** (fall.power ?? 2), rounding),
  }[shape]();
  return Math.max(minExit, Math.min(maxExit, exit));
}

type Rounding = NonNullable<ExitFall["rounding"]>;

/** The fraction `over / under` rounded, without ever forming it: integers stay exact where quotients do not. */
function rounded(over: number, under: number, rounding: Rounding): number {
  if (rounding === "floor") return floorDivide(over, under);
  if (rounding === "ceil") return -floorDivide(-over, under);
  return floorDivide(2 * over + under, 2 * under);
}

function floorDivide(over: number, under: number): number {
  const remainder = ((over % under) + under) % under;
  return (over - remainder) / under;
}

/** Curves that are not rational: a value within 1e-9 of where the rounding turns counts as being there. */
function snapped(value: number, rounding: Rounding): number {
  const slack = 1e-9;
  if (rounding === "floor") return Math.floor(value + slack);
  if (rounding === "ceil") return Math.ceil(value - slack);
  return Math.floor(value + 0.5 + slack);
}
