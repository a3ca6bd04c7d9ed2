import { PostgradError } from "@postgrad/schema";
import { type Static, Type } from "typebox";

/** Shares of tiers at one point of the run. */
const Point = Type.Object(
  {
    at: Type.Number({ minimum: 0, maximum: 1, description: "fraction of the run, 0 to 1" }),
    shares: Type.Record(Type.String(), Type.Number({ minimum: 0 }), {
      description: "share of each tier, by its name",
    }),
  },
  { additionalProperties: false },
);

/**
 * A curriculum as data: shares of tiers (`meta.tier` of the rows) at points of the run, in between on straight lines.
 * Easy to hard: `[{ at: 0, shares: { easy: 1 } }, { at: 1, shares: { hard: 1 } }]`. Two points at one place make a step.
 */
export const TierSchedule = Type.Array(Point, { minItems: 1 });
export type TierSchedule = Static<typeof TierSchedule>;

/** The shares at `progress` (0 at the first step, 1 at the last), summing to 1. */
export function tierShares(schedule: TierSchedule, progress: number): ReadonlyMap<string, number> {
  const behind = schedule.findLast(({ at }) => at <= progress) ?? schedule[0]!;
  const ahead = schedule.find(({ at }) => at > progress) ?? behind;
  const span = ahead.at - behind.at;
  const way = span > 0 ? Math.max(0, progress - behind.at) / span : 0;
  const tiers = [...new Set(schedule.flatMap(({ shares }) => Object.keys(shares)))];
  const raw = tiers.map(
    (tier) => (behind.shares[tier] ?? 0) * (1 - way) + (ahead.shares[tier] ?? 0) * way,
  );
  const sum = raw.reduce((total, share) => total + share, 0);
  return new Map(tiers.map((tier, index) => [tier, raw[index]! / sum]));
}

/** Throws `train/curriculum` for points out of order or without a share, or for rows of a tier that no point names. */
export function checkTiers(schedule: TierSchedule, tiers: readonly (string | undefined)[]): void {
  const wrong = (what: string): PostgradError => new PostgradError("train/curriculum", what);
  for (const [index, { at, shares }] of schedule.entries()) {
    if (index > 0 && at < schedule[index - 1]!.at)
      throw wrong(`the curriculum's point at ${at} stands behind a later one; sort them`);
    if (!Object.values(shares).some((share) => share > 0))
      throw wrong(`the curriculum's point at ${at} has no share above 0`);
  }
  const named = new Set(schedule.flatMap(({ shares }) => Object.keys(shares)));
  const row = tiers.findIndex((tier) => tier === undefined || !named.has(tier));
  if (row === -1) return;
  const found = tiers[row] === undefined ? "no meta.tier" : `the tier "${tiers[row]}"`;
  throw wrong(`row ${row + 1} has ${found}; the curriculum names ${[...named].join(", ")}`);
}
