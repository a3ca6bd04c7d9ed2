// A GGUF file of random weights for llama.cpp. Llama shapes keep their own architecture; OPT, which llama.cpp has not, is
// written as GPT-2, whose matrices have the same shapes (learned positions, LayerNorm, biases, fused q|k|v, head tied).
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { closeSync, openSync, writeSync } from "node:fs";

import type { Decoder } from "@postgrad/model";
import { random } from "@postgrad/schema";

import type { Format } from "./random-weights.ts";

interface Tensor {
  readonly name: string;
  /** [out, in], or [width]. */
  readonly shape: readonly number[];
}

/** ggml's number of each type, and the bytes of a block of elements. */
const types = {
  fp32: { number: 0, elements: 1, bytes: 4 },
  int4: { number: 2, elements: 32, bytes: 18 }, // Q4_0: an fp16 scale and 32 nibbles
} as const;

/** Writes the file; `feedForward` is the inner width of the MLP. */
export function writeGguf(
  path: string,
  decoder: Decoder,
  config: Readonly<Record<string, unknown>>,
  format: Format,
): void {
  const isLlama = decoder.family === "llama";
  const tensors = isLlama ? llamaTensors(decoder, config) : gpt2Tensors(decoder, config);
  const entries = isLlama ? llamaEntries(decoder, config) : gpt2Entries(decoder, config);
  const typeOf = ({ shape }: Tensor) => types[shape.length === 1 ? "fp32" : format];
  const sizeOf = (tensor: Tensor): number => {
    const { elements, bytes } = typeOf(tensor);
    return (tensor.shape.reduce((a, b) => a * b, 1) / elements) * bytes;
  };
  const header = new Writer();
  header.raw(Buffer.from("GGUF")).u32(3).u64(tensors.length).u64(entries.length);
  for (const [key, type, value] of entries) header.entry(key, type, value);
  let offset = 0;
  for (const tensor of tensors) {
    header.text(tensor.name).u32(tensor.shape.length);
    for (const length of tensor.shape.toReversed()) header.u64(length);
    header.u32(typeOf(tensor).number).u64(offset);
    offset = align(offset + sizeOf(tensor));
  }
  const file = openSync(path, "w");
  const head = header.bytes();
  writeSync(file, head, 0, head.length, 0);
  const start = align(head.length);
  let at = start;
  for (const tensor of tensors) {
    const pattern = patterns[tensor.shape.length === 1 ? "fp32" : format];
    const size = sizeOf(tensor);
    for (let done = 0; done < size; done += pattern.length) {
      writeSync(file, pattern, 0, Math.min(pattern.length, size - done), at + done);
    }
    at = align(at + size);
  }
  writeSync(file, new Uint8Array(32), 0, 32, at); // the last tensor's padding
  closeSync(file);
}

const align = (offset: number): number => Math.ceil(offset / 32) * 32;

const next = random("gguf");
const patterns: Readonly<Record<Format, Uint8Array>> = {
  fp32: new Uint8Array(Float32Array.from({ length: 2 ** 18 }, () => 0.04 * next() - 0.02).buffer),
  int4: Uint8Array.from({ length: 18 * 2 ** 14 }, (_, i) =>
    i % 18 === 0 ? 0x1e : i % 18 === 1 ? 0x19 : Math.floor(256 * next()),
  ),
};

type Entry = readonly [key: string, type: keyof typeof kinds, value: unknown];

const kinds = { u32: 4, i32: 5, f32: 6, text: 8, texts: 9, floats: 9, ints: 9 } as const;

const num = (config: Readonly<Record<string, unknown>>, name: string): number =>
  Number(config[name]);

function llamaEntries(decoder: Decoder, config: Readonly<Record<string, unknown>>): Entry[] {
  return [
    ["general.architecture", "text", "llama"],
    ["general.name", "text", "random"],
    ["llama.context_length", "u32", decoder.maxPositions],
    ["llama.embedding_length", "u32", decoder.hiddenSize],
    ["llama.block_count", "u32", decoder.layers],
    ["llama.feed_forward_length", "u32", num(config, "intermediate_size")],
    ["llama.attention.head_count", "u32", decoder.heads],
    ["llama.attention.head_count_kv", "u32", decoder.kvHeads],
    ["llama.attention.layer_norm_rms_epsilon", "f32", 1e-5],
    ["llama.rope.dimension_count", "u32", decoder.headDim],
    ["llama.rope.freq_base", "f32", Number(config["rope_theta"] ?? 10000)],
    ["llama.vocab_size", "u32", decoder.vocabSize],
    ...vocabularyEntries(decoder.vocabSize),
  ];
}

function gpt2Entries(decoder: Decoder, config: Readonly<Record<string, unknown>>): Entry[] {
  return [
    ["general.architecture", "text", "gpt2"],
    ["general.name", "text", "random"],
    ["gpt2.context_length", "u32", decoder.maxPositions],
    ["gpt2.embedding_length", "u32", decoder.hiddenSize],
    ["gpt2.block_count", "u32", decoder.layers],
    ["gpt2.feed_forward_length", "u32", num(config, "ffn_dim")],
    ["gpt2.attention.head_count", "u32", decoder.heads],
    ["gpt2.attention.layer_norm_epsilon", "f32", 1e-5],
    ...vocabularyEntries(decoder.vocabSize),
  ];
}

/** A SentencePiece vocabulary with its 256 byte tokens; what the words are does not matter. */
function vocabularyEntries(size: number): Entry[] {
  const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, "0");
  const special = ["<unk>", "<s>", "</s>"];
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${hex(byte)}>`);
  const words = Array.from({ length: size - 259 }, (_, i) => `w${i}`);
  const control = [2, 3, 3];
  return [
    ["tokenizer.ggml.model", "text", "llama"],
    ["tokenizer.ggml.tokens", "texts", [...special, ...bytes, ...words]],
    ["tokenizer.ggml.scores", "floats", Array.from({ length: size }, () => 0)],
    [
      "tokenizer.ggml.token_type",
      "ints",
      [...control, ...bytes.map(() => 6), ...words.map(() => 1)],
    ],
    ["tokenizer.ggml.bos_token_id", "u32", 1],
    ["tokenizer.ggml.eos_token_id", "u32", 2],
  ];
}

function llamaTensors(decoder: Decoder, config: Readonly<Record<string, unknown>>): Tensor[] {
  const { hiddenSize: width, heads, kvHeads, headDim, vocabSize } = decoder;
  const inner = num(config, "intermediate_size");
  const layer = (n: number): Tensor[] => [
    { name: `blk.${n}.attn_norm.weight`, shape: [width] },
    { name: `blk.${n}.attn_q.weight`, shape: [heads * headDim, width] },
    { name: `blk.${n}.attn_k.weight`, shape: [kvHeads * headDim, width] },
    { name: `blk.${n}.attn_v.weight`, shape: [kvHeads * headDim, width] },
    { name: `blk.${n}.attn_output.weight`, shape: [width, heads * headDim] },
    { name: `blk.${n}.ffn_norm.weight`, shape: [width] },
    { name: `blk.${n}.ffn_gate.weight`, shape: [inner, width] },
    { name: `blk.${n}.ffn_up.weight`, shape: [inner, width] },
    { name: `blk.${n}.ffn_down.weight`, shape: [width, inner] },
  ];
  return [
    { name: "token_embd.weight", shape: [vocabSize, width] },
    ...Array.from({ length: decoder.layers }, (_, n) => layer(n)).flat(),
    { name: "output_norm.weight", shape: [width] },
  ];
}

function gpt2Tensors(decoder: Decoder, config: Readonly<Record<string, unknown>>): Tensor[] {
  const { hiddenSize: width, vocabSize, maxPositions } = decoder;
  const inner = num(config, "ffn_dim");
  const pair = (name: string, shape: readonly number[]): Tensor[] => [
    { name: `${name}.weight`, shape },
    { name: `${name}.bias`, shape: [shape[0]!] },
  ];
  const layer = (n: number): Tensor[] => [
    ...pair(`blk.${n}.attn_norm`, [width]),
    ...pair(`blk.${n}.attn_qkv`, [3 * width, width]),
    ...pair(`blk.${n}.attn_output`, [width, width]),
    ...pair(`blk.${n}.ffn_norm`, [width]),
    ...pair(`blk.${n}.ffn_up`, [inner, width]),
    ...pair(`blk.${n}.ffn_down`, [width, inner]),
  ];
  return [
    { name: "token_embd.weight", shape: [vocabSize, width] },
    { name: "position_embd.weight", shape: [maxPositions, width] },
    ...Array.from({ length: decoder.layers }, (_, n) => layer(n)).flat(),
    ...pair("output_norm", [width]),
  ];
}

/** Little-endian numbers and counted strings, one after another. */
class Writer {
  readonly #parts: Uint8Array[] = [];

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  u32(value: number): this {
    return this.raw(new Uint8Array(Uint32Array.of(value).buffer));
  }

  u64(value: number): this {
    return this.raw(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  }

  text(value: string): this {
    const bytes = Buffer.from(value);
    return this.u64(bytes.length).raw(bytes);
  }

  entry(key: string, type: keyof typeof kinds, value: unknown): this {
    this.text(key).u32(kinds[type]);
    if (type === "text") return this.text(value as string);
    if (type === "f32") return this.raw(new Uint8Array(Float32Array.of(value as number).buffer));
    if (type === "u32" || type === "i32") return this.u32(value as number);
    const items = value as readonly (number | string)[];
    this.u32({ texts: kinds.text, floats: kinds.f32, ints: kinds.i32 }[type]).u64(items.length);
    if (type === "texts") for (const item of items) this.text(item as string);
    else if (type === "floats")
      this.raw(new Uint8Array(Float32Array.from(items as number[]).buffer));
    else this.raw(new Uint8Array(Int32Array.from(items as number[]).buffer));
    return this;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}
