import { Batch, type Generation, longest } from "./batch.ts";
import type { GenerateEvent } from "./generate.ts";
import { type Row, streams } from "./row.ts";
import { type Distribution, draw, probabilityOf, residual } from "./sampling/distribution.ts";
import { type LayerSchedule, range } from "./schedule/layer-schedule.ts";
import { boundariesOf, setsOf } from "./segments.ts";

/** A generation whose schedule only drafts. */
export interface Speculation extends Generation {
  /** Whose layer sets the drafts run through. */
  readonly drafter: LayerSchedule;
  /** Tokens drafted before each verification. */
  readonly draft: number;
}

interface Draft {
  readonly token: number;
  readonly from: Distribution;
}

/**
 * Self-speculation: `draft` tokens by the skipping schedule, then one pass of the full network over all of them. A draft
 * stands with probability min(1, p / q), the first that does not is replaced by a draw from max(0, p - q): greedy output is
 * the full model's, and sampled output is distributed as the full model's. Every token that stands has been through all
 * layers, so no cache has a hole, whatever the drafter left out.
 *
 * Source: Draft & Verify, arXiv 2309.08168; speculative sampling, arXiv 2302.01318.
 */
export async function* speculate(run: Speculation): AsyncGenerator<GenerateEvent, void, undefined> {
  const { network, drafter, schedule } = run;
  const all = range(0, schedule.layers);
  await network.split(boundariesOf(schedule.layers, setsOf(drafter, longest(run))));
  const batch = await Batch.start(run);
  try {
    yield* batch.take(all.length);
    for (;;) {
      yield* batch.abortWhereAsked();
      if (!batch.compact()) return;
      const open = Math.max(
        ...batch.live.map(({ request, tokens }) => request.maxNewTokens - tokens.length),
      );
      const count = Math.min(run.draft, open - 1);
      if (count === 0 || batch.changesRegime(count + 1)) {
        yield* batch.take(await batch.step(all));
        continue;
      }
      const drafts = await draftsOf(batch, drafter, count);
      batch.forgetUncertain(); // the full network reads all of them anew
      const tokens = batch.live.map((row, i) => [
        row.tokens.at(-1)!,
        ...drafts[i]!.map(({ token }) => token),
      ]);
      const verified = await batch.read(tokens, all);
      for (const [i, row] of batch.live.entries())
        yield* settle(row, drafts[i]!, verified[i]!, all.length);
      batch.forgetUncertain();
    }
  } finally {
    batch.end();
  }
}

/** Drafts of each live row, token by token through the drafter's layers. */
async function draftsOf(batch: Batch, drafter: LayerSchedule, count: number): Promise<Draft[][]> {
  const drafts: Draft[][] = batch.live.map(() => []);
  const index = Math.min(...batch.live.map(({ tokens }) => tokens.length - 1));
  for (let j = 0; j < count; j++) {
    const last = batch.live.map((row, i) => [drafts[i]!.at(-1)?.token ?? row.tokens.at(-1)!]);
    const logits = await batch.read(last, drafter.layersAt(index + j), j);
    for (const [i, row] of batch.live.entries()) {
      const before = drafts[i]!.map(({ token }) => token);
      const from = row.distribution(logits[i]![0]!, before);
      drafts[i]!.push({ token: draw(from, row.uniform(streams.draft, j)), from });
    }
  }
  return drafts;
}

/** Takes the drafts that stand and the full network's token behind them. */
function* settle(
  row: Row,
  drafts: readonly Draft[],
  logits: readonly Float32Array[],
  layers: number,
): Generator<GenerateEvent, void> {
  for (const [j, { token, from }] of drafts.entries()) {
    const wanted = row.distribution(logits[j]!);
    const share = probabilityOf(wanted, token) / probabilityOf(from, token);
    const stands = row.uniform(streams.accept) < share;
    row.drafts.drafted++;
    if (stands) row.drafts.accepted++;
    const taken = stands ? token : draw(residual(wanted, from), row.uniform(streams.residual));
    yield* row.take(taken, logits[j]!, layers);
    if (!stands || row.isFinished) return;
  }
  yield* row.take(row.choose(logits.at(-1)!), logits.at(-1)!, layers);
}
