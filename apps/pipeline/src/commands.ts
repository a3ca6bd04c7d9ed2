import { ask } from "./ask.ts";
import { card } from "./card.ts";
import type { Command } from "./command.ts";
import { convert } from "./convert.ts";
import { decontaminate } from "./decontaminate.ts";
import { dedup } from "./dedup.ts";
import { doctor } from "./doctor.ts";
import { exportModel } from "./export.ts";
import { generate } from "./generate.ts";
import { inspect } from "./inspect.ts";
import { pipeline } from "./pipeline.ts";
import { score } from "./score.ts";
import { serve } from "./serve.ts";
import { split } from "./split.ts";
import { train } from "./train.ts";

/** Every sub-command. Adding one is a file beside this and a line here. */
export const commands: readonly Command[] = [
  pipeline,
  doctor,
  inspect,
  convert,
  dedup,
  decontaminate,
  split,
  card,
  ask,
  generate,
  score,
  serve,
  exportModel,
  train,
];
