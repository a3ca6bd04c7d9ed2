import { PostgradError } from "@postgrad/schema";

import type { Job } from "./job.ts";

/**
 * Where the reference's log-probabilities come from: `none` are needed; `stored` in every row; `precomputed` by TRL before
 * training; `online`, by a reference that runs beside the policy.
 */
export type ReferenceLogps = "none" | "stored" | "precomputed" | "online";

/**
 * The way for a job and its rows. TRL precomputes under every layout but FSDP (its issue 6470), and online it takes them for
 * its own losses only.
 *
 * @throws PostgradError `train/trl-reference` for a loss of ours under FSDP without stored log-probabilities.
 */
export function referenceLogps(
  { chosen: { loss }, parallelism, trlLoss }: Job,
  hasReferenceLogps: boolean,
): ReferenceLogps {
  if (loss.rows !== "pairs" || !loss.usesReference) return "none";
  if (hasReferenceLogps) return "stored";
  if (parallelism !== "fsdp") return "precomputed";
  if (trlLoss !== undefined) return "online";
  throw new PostgradError(
    "train/trl-reference",
    `"${loss.name}" with these options is not TRL's own, and under fsdp it needs ref_chosen_logps and ref_rejected_logps in every row: add them, or take parallelism "zero3"`,
  );
}
