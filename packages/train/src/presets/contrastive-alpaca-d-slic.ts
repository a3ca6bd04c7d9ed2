import { contrastiveAlpaca, sweepNote } from "./contrastive-alpaca.ts";
import { type Preset, published, recalled, recommended } from "./preset.ts";

/** Rung D with SLiC-HF, which needs no reference model. */
export const contrastiveAlpacaSlic: Preset = {
  ...contrastiveAlpaca,
  name: "contrastive-alpaca-d-slic",
  title: "Contrastive, Alpaca scale, D: SLiC-HF",
  base: "the result of A (or LLaMA-7B itself)",
  after: "contrastive-alpaca-a",
  data: "pairs of GPT-4 over text-davinci-003",
  order: recommended("shuffled"),
  settings: {
    ...contrastiveAlpaca.settings,
    loss: published("slic"),
    delta: recalled(1),
    lambda: recalled(1),
  },
  notes: [
    ...contrastiveAlpaca.notes,
    sweepNote,
    "with sums of log-probabilities the hinge is dominated by length: GPT-4's answers are far longer",
  ],
};
