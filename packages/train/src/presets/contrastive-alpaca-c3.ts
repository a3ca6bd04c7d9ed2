import { contrastiveAlpacaC } from "./contrastive-alpaca-c.ts";
import { type Preset, recalled } from "./preset.ts";

/** Rung C with three epochs. */
export const contrastiveAlpacaC3: Preset = {
  ...contrastiveAlpacaC,
  name: "contrastive-alpaca-c3",
  title: "Contrastive, Alpaca scale, C: SFT continued for three epochs",
  settings: { ...contrastiveAlpacaC.settings, epochs: recalled(3) },
};
