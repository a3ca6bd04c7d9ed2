import { contrastiveAlpacaA } from "./contrastive-alpaca-a.ts";
import type { Preset } from "./preset.ts";

/** Rung C: A goes on, supervised on GPT-4's answers. With three epochs (`contrastive-alpaca-c3`) it shows the saturation. */
export const contrastiveAlpacaC: Preset = {
  ...contrastiveAlpacaA,
  name: "contrastive-alpaca-c",
  title: "Contrastive, Alpaca scale, C: SFT continued on GPT-4's answers",
  base: "the result of A",
  after: "contrastive-alpaca-a",
  data: "Alpaca's 52K instructions with GPT-4's answers",
};
