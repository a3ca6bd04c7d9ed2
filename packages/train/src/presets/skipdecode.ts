import { derived, type Preset, published, recommended } from "./preset.ts";

/** SkipDecode: fine-tuning under the skip schedule, so that training and decoding run the same layers. */
export const skipdecode: Preset = {
  name: "skipdecode",
  title: "SkipDecode: fine-tuning under a skip schedule",
  paper: "SkipDecode, arXiv 2307.02628",
  base: "a model that was fine-tuned on the task at full depth",
  data: "the target task's conversations",
  order: recommended("shuffled"),
  depthSchedule: true,
  settings: {
    loss: published("sft"),
    lr: recommended(2e-5),
    schedule: recommended("cosine"),
    warmup: recommended(0.03),
    weightDecay: recommended(0),
    batchSize: recommended(128),
    epochs: recommended(2),
    maxLength: recommended(512),
    packing: derived(false), // a row's positions are counted from its own prompt
  },
  notes: [
    "the paper's settings are not confirmed; the values are those of the nearest public recipe",
    "the schedule may be let down from full depth over the first fifth of the steps",
    "TRL has no depth schedule: this preset is for the embedded trainer",
  ],
};
