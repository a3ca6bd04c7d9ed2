import { orca2 } from "./orca2.ts";
import { type Preset, published } from "./preset.ts";

/** Orca 2, second stage: ChatGPT's explanations. About 40 hours on 32 A100 (13B). */
export const orca2Stage2: Preset = {
  ...orca2,
  name: "orca2-stage-2",
  title: "Orca 2, stage 2: ChatGPT's explanations of Orca 1",
  base: "the result of stage 1",
  after: "orca2-stage-1",
  data: "5M ChatGPT responses of Orca 1",
  rows: published(5_000_000),
  settings: { ...orca2.settings, epochs: published(3) },
  notes: [...orca2.notes],
};
