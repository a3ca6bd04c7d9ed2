// Which layers run at which generated token, and what that can gain.
import { exitsForSpeedup, layerSpeedup, skipSchedule } from "@postgrad/skipdecode";

const schedule = skipSchedule({ layers: 24, maxExit: 16, minExit: 8, generated: 60 });
for (const index of [0, 20, 40, 59, 100]) {
  console.log(`token ${index}: layers ${schedule.layersAt(index).join(" ")}`);
}
console.log(`mean ${schedule.meanLayers()} of ${schedule.layers} layers`);

// The LM head is never skipped: in OPT-1.3B it costs as much as 2.05 layers.
const headCost = (50272 * 2048) / (12 * 2048 ** 2);
for (const speedup of [2, 3, 4, 5]) {
  const exits = exitsForSpeedup({ layers: 24, speedup });
  const allows = layerSpeedup(skipSchedule({ layers: 24, ...exits, generated: 60 }), { headCost });
  console.log(
    `${speedup}x by layers: ${exits.maxExit} down to ${exits.minExit}, ${allows.toFixed(2)}x with the head`,
  );
}
