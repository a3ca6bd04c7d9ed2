import { orca2 } from "./orca2.ts";
import { derived, type Preset, published } from "./preset.ts";

/** Orca 2, third stage: GPT-4's explanations and the prompt-erased strategies. About 23 hours on 32 A100 (13B). */
export const orca2Stage3: Preset = {
  ...orca2,
  name: "orca2-stage-3",
  title: "Orca 2, stage 3: GPT-4's explanations and Orca 2's own data",
  base: "the result of stage 2",
  after: "orca2-stage-2",
  data: "1M GPT-4 responses of Orca 1 and 817K rows of Orca 2, prompts erased",
  rows: derived(1_817_000),
  settings: { ...orca2.settings, epochs: published(4) },
  notes: [...orca2.notes],
};
