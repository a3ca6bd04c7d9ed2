import { contrastiveAlpacaA } from "./contrastive-alpaca-a.ts";
import type { Preset } from "./preset.ts";

/** Rung B, SFT-4: supervised on GPT-4's answers; the second opponent of the paper's tables. */
export const contrastiveAlpacaB: Preset = {
  ...contrastiveAlpacaA,
  name: "contrastive-alpaca-b",
  title: "Contrastive, Alpaca scale, B: SFT on GPT-4's answers",
  data: "Alpaca's 52K instructions with GPT-4's answers",
};
