import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { type Checkpoint, writeSafetensors } from "@postgrad/model";

import { type Adapter, merged } from "../lora/adapter.ts";
import { adapterConfig, adapterTensors } from "../lora/export.ts";
import type { WeightData } from "../step/stepper.ts";
import { floatTensor } from "./float-tensor.ts";

/** What a model folder is written from. */
export interface ModelState {
  /** The checkpoint that training started from: its configuration and tokenizer go along. */
  readonly base: Checkpoint;
  readonly weights: WeightData;
  readonly adapter?: Adapter | undefined;
}

/** Files that go along with the weights, those that are there. */
const companions = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
  "chat_template.jinja",
  "generation_config.json",
];

/**
 * Writes a Hugging Face folder: `config.json`, `model.safetensors` (float32; an adapter is merged, and lies beside it in
 * `adapter/` in PEFT's layout), tokenizer and chat template. Each file appears whole or not at all, the weights last.
 */
export async function writeModelFolder(
  folder: string,
  { base, weights, adapter }: ModelState,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { torch_dtype: _old, dtype: _new, ...config } = base.config;
  const json = JSON.stringify({ ...config, torch_dtype: "float32" }, null, 2);
  await whole(join(folder, "config.json"), (file) => writeFile(file, `${json}\n`));
  for (const name of companions) await copyIfThere(join(base.folder, name), join(folder, name));
  if (adapter) await writeAdapter(join(folder, "adapter"), { base, weights, adapter });
  const tensors = [...base.decoder.tensors].map(([name, shape]) =>
    floatTensor(name, shape, () =>
      adapter?.adapts(name) ? merged(name, weights, shape, adapter) : weights.get(name)!,
    ),
  );
  await writeSafetensors(join(folder, "model.safetensors"), tensors);
}

async function writeAdapter(
  folder: string,
  { base, weights, adapter }: ModelState & { readonly adapter: Adapter },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const json = JSON.stringify(adapterConfig(adapter, base.folder), null, 2);
  await whole(join(folder, "adapter_config.json"), (file) => writeFile(file, `${json}\n`));
  const tensors = adapterTensors(base.decoder, adapter, weights);
  await writeSafetensors(join(folder, "adapter_model.safetensors"), tensors);
}

/** Writes beside the place and moves it there; what a failure left is removed. */
async function whole(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.partial`;
  try {
    await write(temporary);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await whole(to, (file) => copyFile(from, file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
