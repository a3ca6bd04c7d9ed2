import { nearest, parseConfig, PostgradError } from "@postgrad/schema";

import { losses } from "./index.ts";
import type { Loss } from "./loss.ts";

/** A loss with its own options, defaults filled in. */
export interface ChosenLoss {
  readonly loss: Loss;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The loss of that name; throws `train/unknown-loss` with the one that was meant. */
export function lossNamed(name: string): Loss {
  const found = losses.find((loss) => loss.name === name);
  if (found) return found;
  const names = losses.map((loss) => loss.name);
  const meant = nearest(name, names);
  throw new PostgradError(
    "train/unknown-loss",
    `there is no loss "${name}"; ${meant ? `did you mean "${meant}"?` : `there are ${names.join(", ")}`}`,
  );
}

/**
 * The loss of that name with `options` as set by the user (undefined: not set).
 *
 * Throws `train/wrong-option` where an option belongs to another loss: beta sets nothing in SLiC, delta nothing in DPO, and a
 * recipe that mixes them up would train something else than it says.
 */
export function chooseLoss(
  name: string,
  options: Readonly<Record<string, unknown>> = {},
): ChosenLoss {
  const loss = lossNamed(name);
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  const own = Object.keys(loss.options.properties);
  const foreign = Object.keys(given).find((option) => !own.includes(option));
  if (foreign !== undefined) throw wrongOption(loss, foreign, given[foreign], own);
  return {
    loss,
    options: parseConfig(loss.options, given, { file: `options of ${name}` }) as Record<
      string,
      unknown
    >,
  };
}

function wrongOption(loss: Loss, option: string, value: unknown, own: string[]): PostgradError {
  const owners = losses
    .filter(({ options }) => option in options.properties)
    .map(({ name }) => name);
  const belongs = owners.length > 0 ? `belongs to ${owners.join(", ")}` : "belongs to no loss";
  return new PostgradError(
    "train/wrong-option",
    `the loss "${loss.name}" has no ${option} (found ${JSON.stringify(value)}): it ${belongs}; "${loss.name}" takes ${own.join(", ")}`,
  );
}
