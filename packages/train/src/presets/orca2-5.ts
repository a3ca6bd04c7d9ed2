import { orca3 } from "./orca3.ts";
import { type Preset, published } from "./preset.ts";

/** Orca-2.5: the same base and recipe as Orca-3 without AgentInstruct's data, against which its gain is measured. */
export const orca25: Preset = {
  ...orca3,
  name: "orca2-5",
  title: "Orca-2.5: the control of Orca-3",
  data: "3.8M rows: Orca 1, Orca 2, Orca-Math and samples of public sets",
  rows: published(3_800_000),
  notes: [...orca3.notes, "that the settings are Orca-3's is part of the comparison's design"],
};
