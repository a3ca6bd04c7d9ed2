// A training run in a process of its own, for the tests to kill: options and rows come as JSON on the command line.
import { train, type TrainOptions } from "../src/index.ts";

const { options, rows } = JSON.parse(process.argv[2]!) as {
  options: TrainOptions;
  rows: Record<string, unknown>[];
};
await train(options, {
  rows,
  onEvent: (event) => {
    if (event.kind === "step") process.stdout.write(`step ${event.metrics["step"]}\n`);
  },
});
