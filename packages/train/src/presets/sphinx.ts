import { type Preset, published, recommended } from "./preset.ts";

/** sPhinX: full fine-tuning on selectively translated conversations. */
export const sphinx: Preset = {
  name: "sphinx",
  title: "sPhinX: multilingual fine-tuning of a 7B model",
  paper: "sPhinX, arXiv 2407.09879",
  base: "Mistral-7B or Phi-3-small",
  data: "1.8M conversations in 51 languages, with in-language shots before them (LANGIT)",
  rows: published(1_800_000),
  order: recommended("shuffled"),
  depthSchedule: false,
  settings: {
    loss: recommended("sft"),
    lr: recommended(1e-5),
    schedule: recommended("cosine"),
    warmup: recommended(0.03),
    weightDecay: recommended(0.1),
    batchSize: recommended(128),
    epochs: recommended(2),
    maxLength: recommended(4096),
    packing: recommended(true),
    precision: recommended("bf16"),
  },
  notes: [
    "learning rate, epochs, batch size, context length and hardware are not confirmed; the values are usual ones for 7B",
    "one to two epochs, batches of 128 to 256",
    "rows are packed whole and without attention across them, or strangers would act as shots",
  ],
};
