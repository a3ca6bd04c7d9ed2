import { type Preset, recommended } from "./preset.ts";
import { sphinx } from "./sphinx.ts";

/** The same with adapters, which the authors expect to work as well. */
export const sphinxLora: Preset = {
  ...sphinx,
  name: "sphinx-lora",
  title: "sPhinX with LoRA",
  settings: { ...sphinx.settings, lr: recommended(1e-4), loraRank: recommended(64) },
};
