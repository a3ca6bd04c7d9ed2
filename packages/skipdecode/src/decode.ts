import { PostgradError } from "@postgrad/schema";

import { Batch, type Generation, longest } from "./batch.ts";
import type { GenerateEvent } from "./generate.ts";
import { boundariesOf, setsOf } from "./segments.ts";

/** Generates by a schedule: the prompt in one pass, then token by token through the layers of each index. */
export async function* decode(run: Generation): AsyncGenerator<GenerateEvent, void, undefined> {
  const { network, schedule } = run;
  await network.split(boundariesOf(schedule.layers, setsOf(schedule, longest(run))));
  const batch = await Batch.start(run);
  try {
    yield* batch.take(schedule.prompt.length);
    let before = schedule.prompt;
    for (let index = 0; ; index++) {
      yield* batch.abortWhereAsked();
      if (!batch.compact()) return;
      const layers = schedule.layersAt(index);
      if (layers !== before) checkNested(layers, before, index);
      batch.freeAllBut(layers);
      yield* batch.take(await batch.step(layers));
      before = layers;
    }
  } finally {
    batch.end();
  }
}

function checkNested(layers: readonly number[], before: readonly number[], index: number): void {
  const grown = layers.find((layer) => !before.includes(layer));
  if (grown === undefined) return;
  throw new PostgradError(
    "skipdecode/hole",
    `the schedule runs layer ${grown} at generated token ${index} after leaving it out, so its cache has a hole; ` +
      "make the schedule with skipSchedule or layerSchedule, which check this",
  );
}
