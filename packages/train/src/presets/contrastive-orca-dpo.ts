import { sweepNote } from "./contrastive-alpaca.ts";
import { derived, type Preset, published, recalled, recommended } from "./preset.ts";

/** DPO at Orca scale: a model that was taught by GPT-4 goes on with pairs. 32 A100. */
export const contrastiveOrcaDpo: Preset = {
  name: "contrastive-orca-dpo",
  title: "Contrastive, Orca scale: DPO",
  paper: "Contrastive Post-training Large Language Models on Data Curriculum, arXiv 2310.02263",
  base: "Orca-13B (LLaMA-13B tuned on GPT-4's and ChatGPT's explanations)",
  data: "pairs on prompts of FLAN-v2 (550K), FLAN-v1 (200K), Alpaca (52K) and Vicuna (50K)",
  rows: derived(852_000),
  order: published("easy-to-hard"),
  depthSchedule: false,
  settings: {
    loss: published("dpo"),
    beta: recalled(0.1),
    lr: recalled(1e-5),
    batchSize: recalled(512),
    epochs: recalled(1),
    maxLength: recalled(2048),
    schedule: recommended("linear"),
    warmup: recommended(0.1),
    weightDecay: recommended(0),
    packing: recommended(false),
    precision: recommended("bf16"),
  },
  notes: [
    "values are recalled, not read: good defaults, no acceptance numbers",
    "about 1,600 steps; SLiC-HF was not run at this scale",
    sweepNote,
  ],
};
