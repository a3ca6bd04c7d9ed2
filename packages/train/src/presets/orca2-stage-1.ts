import { orca2 } from "./orca2.ts";
import { type Preset, published } from "./preset.ts";

/** Orca 2, first stage: FLAN-v2 with its original answers. About 17 hours on 32 A100 (13B). */
export const orca2Stage1: Preset = {
  ...orca2,
  name: "orca2-stage-1",
  title: "Orca 2, stage 1: FLAN-v2",
  base: "LLaMA-2 7B or 13B",
  data: "the training split of FLAN-v2",
  settings: { ...orca2.settings, epochs: published(1) },
  notes: [...orca2.notes],
};
