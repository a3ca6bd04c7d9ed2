import { published, recommended } from "./preset.ts";

/** What all stages of Orca 2 share (arXiv 2311.11045, section on training). Its optimiser's settings are not reported. */
export const orca2 = {
  paper: "Orca 2, arXiv 2311.11045",
  order: published("shuffled"),
  depthSchedule: false,
  settings: {
    loss: published("sft"),
    maxLength: published(4096),
    packing: published(true),
    precision: published("bf16"),
    lr: recommended(2e-5),
    schedule: recommended("cosine"),
    warmup: recommended(0.03),
    weightDecay: recommended(0.1),
    batchSize: recommended(192), // packed rows of 4,096 tokens: about 0.8M tokens a step
  },
  notes: [
    "learning rate, schedule, warm-up, batch size, optimiser and weight decay are not reported",
    "for 13B take lr 1e-5",
    "the tokenizer is LLaMA's with a pad token and the two ChatML tokens added (32,003)",
    "only tokens that the teacher wrote are learnt",
  ],
} as const;
