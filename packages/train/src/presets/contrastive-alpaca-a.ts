import { contrastiveAlpaca } from "./contrastive-alpaca.ts";
import { type Preset, recalled, recommended } from "./preset.ts";

/** Rung A, SFT-3.5: supervised on ChatGPT's answers; the first opponent of the paper's tables, and the reference of D. */
export const contrastiveAlpacaA: Preset = {
  ...contrastiveAlpaca,
  name: "contrastive-alpaca-a",
  title: "Contrastive, Alpaca scale, A: SFT on ChatGPT's answers",
  base: "LLaMA-7B",
  data: "Alpaca's 52K instructions with ChatGPT's answers",
  order: recommended("shuffled"),
  settings: { ...contrastiveAlpaca.settings, loss: recalled("sft") },
  notes: [...contrastiveAlpaca.notes],
};
