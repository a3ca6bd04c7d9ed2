import { derived, type Preset, published, recalled, recommended } from "./preset.ts";

/** Orca-3: the student of AgentInstruct. About 200 hours on 19 machines of 8 A100. */
export const orca3: Preset = {
  name: "orca3",
  title: "Orca-3: AgentInstruct's student",
  paper: "AgentInstruct, arXiv 2407.03502",
  base: "Mistral-7B-v0.1, its tokenizer",
  data: "22M instructions of AgentInstruct and 3.8M others (Orca-2.5's)",
  rows: published(25_800_000),
  order: recommended("shuffled"),
  depthSchedule: false,
  settings: {
    loss: recalled("sft"),
    lr: published(8e-6),
    schedule: published("cosine"),
    warmup: published(500),
    weightDecay: published(0.1),
    epochs: published(3),
    maxLength: published(8192),
    packing: published(true),
    batchSize: derived(1520), // 152 GPUs with 10 packed rows each
    precision: recommended("bf16"),
  },
  notes: [
    "152 A100 with 10 sequences each give 1,520 packed rows a step if nothing was accumulated",
    "response tokens alone are learnt (recalled)",
  ],
};
