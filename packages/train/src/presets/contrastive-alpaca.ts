import { derived, recalled, recommended } from "./preset.ts";

/**
 * What the comparison at Alpaca scale shares (arXiv 2310.02263). The paper's body was not at hand: its values are recalled.
 * The ladder: A and B are supervised on ChatGPT's and GPT-4's answers, C goes on from A on GPT-4's, D are the contrastive
 * losses on A. E, reinforcement learning from human or AI feedback, is not among Postgrad's losses.
 */
export const contrastiveAlpaca = {
  paper: "Contrastive Post-training Large Language Models on Data Curriculum, arXiv 2310.02263",
  rows: derived(52_002),
  depthSchedule: false,
  settings: {
    lr: recalled(1e-5),
    batchSize: recalled(512),
    epochs: recalled(1),
    maxLength: recalled(1024),
    schedule: recommended("linear"),
    warmup: recommended(0.1),
    weightDecay: recommended(0),
    packing: recommended(false),
  },
  notes: [
    "values are recalled, not read: good defaults, no acceptance numbers",
    "warm-up is linear; its length, the schedule after it and weight decay are not known",
    "about 101 steps a pass (52,002 / 512)",
  ],
} as const;

/** The learning rate of the contrastive losses is the least certain value. */
export const sweepNote =
  "the learning rate is the least certain value: sweep 5e-7, 1e-6, 5e-6, 1e-5";
