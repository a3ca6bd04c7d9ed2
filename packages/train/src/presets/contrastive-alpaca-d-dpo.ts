import { contrastiveAlpaca, sweepNote } from "./contrastive-alpaca.ts";
import { type Preset, published, recalled } from "./preset.ts";

/** Rung D with DPO on the data curriculum, the paper's proposal. The reference is the model that the rung starts from. */
export const contrastiveAlpacaDpo: Preset = {
  ...contrastiveAlpaca,
  name: "contrastive-alpaca-d-dpo",
  title: "Contrastive, Alpaca scale, D: DPO, easy pairs first",
  base: "the result of A (or LLaMA-7B itself, or the result of C)",
  after: "contrastive-alpaca-a",
  data: "pairs of GPT-4 over text-davinci-003 (easy) and GPT-4 over ChatGPT (hard), one tier a prompt",
  order: published("easy-to-hard"),
  settings: { ...contrastiveAlpaca.settings, loss: published("dpo"), beta: recalled(0.1) },
  notes: [...contrastiveAlpaca.notes, sweepNote],
};
