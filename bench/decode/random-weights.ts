// Weights of a given shape and format, without a checkpoint: random numbers in a file, each tensor at a place of its own, as
// in a checkpoint. The values do not matter to the time that a step takes, only how many different bytes it reads.
import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type {
  Decoder,
  FileRange,
  GraphBuilder,
  Linear,
  Value,
  Weights,
  WeightSource,
} from "@postgrad/model";
import { random } from "@postgrad/schema";

/** Formats that the benchmark makes. */
export type Format = "fp32" | "int4";

/** Random weights, and what they weigh. */
export interface RandomWeights extends Disposable {
  readonly source: WeightSource;
  /** Bytes of the linear layers of one layer of the network. */
  readonly layerBytes: number;
  /** Bytes of the head. */
  readonly headBytes: number;
}

const block = 32;
/** Bytes of a weight: int4 has one fp32 scale for each block of 32. */
export const bytesOf: Readonly<Record<Format, number>> = { fp32: 4, int4: 0.5 + 4 / block };

/** Makes random weights for `decoder`. Norms, biases and embeddings are fp32 in either format. */
export function randomWeights(decoder: Decoder, format: Format): RandomWeights {
  const folder = mkdtempSync(join(tmpdir(), "postgrad-bench-"));
  const files = new RandomFiles(folder);
  const shapes = decoder.linears.map(({ weight }) => decoder.tensors.get(weight)!);
  const weigh = (isHead: boolean): number =>
    shapes
      .filter(([out]) => (out === decoder.vocabSize) === isHead)
      .reduce((sum, shape) => sum + sizeOf(shape) * bytesOf[format], 0);
  return {
    source: (builder) => weightsOn(builder, decoder, format, files),
    layerBytes: weigh(false) / decoder.layers,
    headBytes: weigh(true),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function weightsOn(
  builder: GraphBuilder,
  { tensors }: Decoder,
  format: Format,
  files: RandomFiles,
): Weights {
  const made = new Map<string, Value>();
  const tensor = (name: string): Value => {
    const shape = tensors.get(name)!;
    const value =
      made.get(name) ??
      builder.initializer(name, "float32", shape, files.floats(name, sizeOf(shape)));
    made.set(name, value);
    return value;
  };
  const fp32 = (x: Value, { weight, bias }: Linear): Value => {
    const product = builder.node(
      "FusedMatMul",
      [x, tensor(weight)],
      { transB: 1 },
      { domain: "com.microsoft" },
    );
    return bias === undefined ? product : builder.add(product, tensor(bias));
  };
  // Linear layers of one input are one product, as the quantised weights of a checkpoint are.
  const int4 = (x: Value, linears: readonly Linear[]): readonly Value[] => {
    const outs = linears.map(({ weight }) => tensors.get(weight)![0]!);
    const width = x.shape.at(-1) as number;
    const out = outs.reduce((a, b) => a + b, 0);
    const blocks = width / block;
    const name = linears[0]!.weight;
    const scales = files.floats(`${name}.scales`, out * blocks, 0.0025);
    const biases = linears.every(({ bias }) => bias === undefined)
      ? []
      : [builder.initializer(`${name}.bias`, "float32", [out], files.floats(`${name}.bias`, out))];
    const product = builder.node(
      "MatMulNBits",
      [
        x,
        builder.initializer(
          `${name}.packed`,
          "uint8",
          [out, blocks, block / 2],
          files.bytes(`${name}.packed`, (out * width) / 2),
        ),
        builder.initializer(`${name}.scales`, "float32", [out * blocks], scales),
        ...(biases.length > 0 ? [undefined, undefined, ...biases] : []),
      ],
      { K: width, N: out, bits: 4, block_size: block, accuracy_level: 4 },
      {
        domain: "com.microsoft",
        outputs: [{ type: "float32", shape: [...x.shape.slice(0, -1), out] }],
      },
    );
    return builder.split(product, -1, outs);
  };
  return {
    tensor,
    rows: (name, ids) => builder.node("Gather", [tensor(name), ids], { axis: 0 }),
    linear: (x, linears) =>
      format === "fp32" ? linears.map((linear) => fp32(x, linear)) : int4(x, linears),
  };
}

/** Files of random numbers; what is asked for by one name lies at one place. */
class RandomFiles {
  readonly #path: string;
  readonly #file: number;
  readonly #places = new Map<string, FileRange>();
  readonly #noise = Float32Array.from({ length: 2 ** 18 }, uniform("floats", 0.04));
  readonly #nibbles = Uint8Array.from({ length: 2 ** 20 }, uniform("nibbles", 256, 128));
  #end = 0;

  constructor(folder: string) {
    this.#path = join(folder, "weights.bin");
    this.#file = openSync(this.#path, "w");
  }

  /** `count` floats: random ones within 0.02 of 0, or all of them `value`. */
  floats(name: string, count: number, value?: number): FileRange {
    const pattern = value === undefined ? this.#noise : new Float32Array(2 ** 14).fill(value);
    return this.#place(name, 4 * count, new Uint8Array(pattern.buffer));
  }

  bytes(name: string, count: number): FileRange {
    return this.#place(name, count, this.#nibbles);
  }

  #place(name: string, length: number, pattern: Uint8Array): FileRange {
    const known = this.#places.get(name);
    if (known) return known;
    const offset = this.#end;
    for (let at = 0; at < length; at += pattern.length) {
      writeSync(this.#file, pattern, 0, Math.min(pattern.length, length - at), offset + at);
    }
    // on a page of its own, so that it can be mapped
    this.#end = Math.ceil((offset + length) / 4096) * 4096;
    const place = { path: this.#path, offset, length };
    this.#places.set(name, place);
    return place;
  }
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function uniform(seed: string, spread: number, middle = 0): () => number {
  const next = random(seed);
  return () => middle + spread * (next() - 0.5);
}
