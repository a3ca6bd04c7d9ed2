import { PostgradError } from "@postgrad/schema";

import type { Decoder } from "../families/decoder.ts";
import { decoderOf } from "../families/index.ts";
import type { Files, RandomAccessFile } from "../files/files.ts";
import type { FileRange } from "../graph/graph.ts";
import { fromBfloat16, fromFloat16 } from "../safetensors/half.ts";
import { shapeOf } from "../weights/trained.ts";
import { type GenerationDefaults, readGenerationDefaults } from "./generation.ts";
import { readJson } from "./json.ts";
import { openTensorIndex, type StoredEntry, type TensorIndex } from "./tensor-index.ts";
import { readTokenizer, type Tokenizer } from "./tokenizer.ts";

/** Where a tensor of a checkpoint lies, and as what. */
export interface TensorPlace {
  readonly type: "float32" | "float16" | "bfloat16";
  readonly shape: readonly number[];
  readonly data: FileRange;
}

/** An open checkpoint: its decoder, and its weights where they lie. Nothing but headers is in memory. */
export class Checkpoint implements AsyncDisposable {
  /** The folder (in the browser: URL) that was opened. */
  readonly folder: string;
  /** `config.json` as it is. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly decoder: Decoder;
  readonly #files: Files;
  readonly #index: TensorIndex;

  private constructor(
    folder: string,
    config: Readonly<Record<string, unknown>>,
    files: Files,
    index: TensorIndex,
  ) {
    this.folder = folder;
    this.config = config;
    this.decoder = decoderOf(config);
    this.#files = files;
    this.#index = index;
  }

  /** Opens a folder on `files` and checks that its tensors are those of its configuration; see `openCheckpoint`. */
  static async open(folder: string, files: Files): Promise<Checkpoint> {
    const config = await readJson(files, folder, "config.json");
    if (config === undefined) {
      throw new PostgradError(
        "model/no-config",
        `${folder} has no config.json: it is no checkpoint in the Hugging Face layout`,
      );
    }
    const decoder = decoderOf(config);
    const index = await openTensorIndex(files, folder);
    try {
      checkTensors(folder, decoder, index);
      return new Checkpoint(folder, config, files, index);
    } catch (cause) {
      await closeAll(index);
      throw cause;
    }
  }

  /** The open files of weights, in the order of their names. */
  get files(): readonly RandomAccessFile[] {
    return this.#index.files;
  }

  /** The place of a tensor of the decoder; throws `model/unknown-tensor` for a name that it has not. */
  place(name: string): TensorPlace {
    const { dtype, offset, length, file } = this.#entry(name);
    return {
      type: types[dtype]!,
      shape: shapeOf(this.decoder.tensors, name),
      data: { path: file.path, offset, length },
    };
  }

  /** The elements of a tensor as float32. */
  async read(name: string): Promise<Float32Array> {
    return this.readRows(name, 0, shapeOf(this.decoder.tensors, name)[0]!);
  }

  /** Rows `from` (inclusive) to `to` (exclusive) of a tensor's first axis, as float32. */
  async readRows(name: string, from: number, to: number): Promise<Float32Array> {
    const { dtype, offset, length, file } = this.#entry(name);
    const row = length / shapeOf(this.decoder.tensors, name)[0]!;
    const { buffer } = await file.read(offset + from * row, (to - from) * row);
    if (dtype === "F32") return new Float32Array(buffer);
    return dtype === "F16"
      ? fromFloat16(new Uint16Array(buffer))
      : fromBfloat16(new Uint16Array(buffer));
  }

  /** The settings of generation that the checkpoint brings. */
  async generation(): Promise<GenerationDefaults> {
    return readGenerationDefaults(this.#files, this.folder, this.config);
  }

  /** The tokenizer with its chat template, or undefined where the folder has no `tokenizer.json`. */
  async tokenizer(): Promise<Tokenizer | undefined> {
    return readTokenizer(this.#files, this.folder);
  }

  /** Closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#index);
  }

  #entry(name: string): StoredEntry {
    shapeOf(this.decoder.tensors, name);
    return storedEntry(this.#index, name)!;
  }
}

/** The element types that weights may be stored in. */
const types: Readonly<Record<string, TensorPlace["type"]>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
};

/** Base models (`OPTModel`, `LlamaModel`) are stored without the prefix of the causal language model around them. */
const storedEntry = ({ entries }: TensorIndex, name: string): StoredEntry | undefined =>
  entries.get(name) ?? entries.get(name.replace(/^model\./, ""));

/** Tensors that transformers ignores too: buffers of older versions, and the copy of a tied head. */
const ignorable = /(^lm_head\.weight|\.rotary_emb\.inv_freq|\.attn\.(masked_)?bias)$/;

function checkTensors(folder: string, decoder: Decoder, index: TensorIndex): void {
  const known = new Set<string>();
  for (const [name, shape] of decoder.tensors) {
    const entry = storedEntry(index, name);
    if (!entry)
      throw wrong(folder, `the tensor "${name}" of config.json's ${decoder.family} is missing`);
    if (entry.shape.join() !== shape.join()) {
      throw wrong(
        folder,
        `the tensor "${name}" has the shape [${entry.shape.join(", ")}], config.json says [${shape.join(", ")}]`,
      );
    }
    if (!(entry.dtype in types)) {
      throw wrong(
        folder,
        `the tensor "${name}" is stored as ${entry.dtype}; supported: ${Object.keys(types).join(", ")}`,
      );
    }
    known.add(name).add(name.replace(/^model\./, ""));
  }
  const extra = [...index.entries.keys()].find((name) => !known.has(name) && !ignorable.test(name));
  if (extra !== undefined) {
    throw wrong(
      folder,
      `the tensor "${extra.slice(0, 100)}" belongs to no ${decoder.family} of this config.json: adapters have to be merged first`,
    );
  }
}

const wrong = (folder: string, what: string): PostgradError =>
  new PostgradError("model/tensors", `${folder}: ${what}`);

async function closeAll({ files }: TensorIndex): Promise<void> {
  for (const file of files) await file[Symbol.asyncDispose]();
}
