import { PostgradError } from "@postgrad/schema";

import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { Linear } from "../families/decoder.ts";
import {
  blocksOf,
  type BlockFormat,
  quantizeRows,
  zeroBytesOf,
} from "../quantize/quantize-rows.ts";
import { toFloat16 } from "../safetensors/half.ts";
import type { TensorToWrite } from "../safetensors/write.ts";
import { shapeOf } from "./trained.ts";
import { blockFormat, type WeightFormat, type WeightOptions } from "./weight-format.ts";

/** The name under which linear layers that share an input are stored as one. */
export const joinedName = (linears: readonly Linear[]): string =>
  linears.map(({ weight }) => weight).join("+");

/** Elements that are in memory at a time while a tensor is converted. */
const chunk = 2 ** 22;

/**
 * What a file of converted weights holds: linear layers that share an input as one tensor each in the format that was
 * asked for, and every other tensor of the layers and the head as float32. Embeddings stay in the checkpoint.
 */
export function storedTensors(
  checkpoint: Checkpoint,
  options: WeightOptions,
): readonly TensorToWrite[] {
  const { projections, tensors } = checkpoint.decoder;
  const inLinears = new Set(projections.flat().flatMap(({ weight, bias }) => [weight, bias]));
  const others = [...tensors].filter(([name, shape]) => shape.length === 1 && !inLinears.has(name));
  return [
    ...others.map(([name]) => float32(checkpoint, name, [name])),
    ...projections.flatMap((linears) => [
      ...linearTensors(checkpoint, linears, formatOf(linears, options), options),
      ...biases(checkpoint, linears),
    ]),
  ];
}

/** The format of linear layers that share an input: the first that `formatOf` names, or the common one. */
export function formatOf(
  linears: readonly Linear[],
  { format = "fp32", formatOf: own }: WeightOptions,
): WeightFormat {
  return (
    linears.map(({ weight }) => own?.(weight)).find((stated) => stated !== undefined) ?? format
  );
}

function linearTensors(
  checkpoint: Checkpoint,
  linears: readonly Linear[],
  format: WeightFormat,
  options: WeightOptions,
): readonly TensorToWrite[] {
  const names = linears.map(({ weight }) => weight);
  const blocks = blockFormat(format, options);
  if (blocks) return quantized(checkpoint, names, blocks);
  if (format === "fp32") return [float32(checkpoint, joinedName(linears), names)];
  const shape = joinedShape(checkpoint, names);
  const data = async function* (): AsyncGenerator<Uint8Array> {
    for await (const values of rowsOf(checkpoint, names)) yield bytesOf(toFloat16(values));
  };
  return [{ name: joinedName(linears), dtype: "F16", shape, data }];
}

/** One matrix as MatMulNBits takes it. Scales and zero points are gathered while the numbers are written, and follow them. */
function quantized(
  checkpoint: Checkpoint,
  names: readonly string[],
  format: BlockFormat,
): readonly TensorToWrite[] {
  const [rows, width] = joinedShape(checkpoint, names) as readonly [number, number];
  const blocks = blocksOf(width, format);
  const scales: Uint8Array[] = [];
  const zeros: Uint8Array[] = [];
  const data = async function* (): AsyncGenerator<Uint8Array> {
    for await (const values of rowsOf(checkpoint, names)) {
      const part = quantizeRows(values, width, format);
      if (!part.scales.every(Number.isFinite)) throw notFinite(names);
      scales.push(bytesOf(part.scales));
      if (part.zeros) zeros.push(part.zeros);
      yield part.packed;
    }
  };
  const gathered = (parts: Uint8Array[]) =>
    async function* (): AsyncGenerator<Uint8Array> {
      yield* parts.splice(0);
    };
  const name = names.join("+");
  const blob = (format.block * format.bits) / 8;
  return [
    { name: `${name}.packed`, dtype: "U8", shape: [rows, blocks, blob], data },
    { name: `${name}.scales`, dtype: "F32", shape: [rows, blocks], data: gathered(scales) },
    ...(format.symmetric
      ? []
      : [
          {
            name: `${name}.zeros`,
            dtype: "U8",
            shape: [rows, zeroBytesOf(width, format)],
            data: gathered(zeros),
          },
        ]),
  ];
}

const notFinite = (names: readonly string[]): PostgradError =>
  new PostgradError(
    "model/not-finite",
    `a weight of ${names.join(", ")} is NaN or infinite: the checkpoint is damaged, or its training diverged`,
  );

/** The biases of linear layers that share an input, as one; zeros for those that have none beside others that have. */
function biases(checkpoint: Checkpoint, linears: readonly Linear[]): readonly TensorToWrite[] {
  if (linears.every(({ bias }) => bias === undefined)) return [];
  const [rows] = joinedShape(
    checkpoint,
    linears.map(({ weight }) => weight),
  );
  const data = async function* (): AsyncGenerator<Uint8Array> {
    for (const { weight, bias } of linears) {
      const [out] = shapeOf(checkpoint.decoder.tensors, weight);
      yield bytesOf(bias === undefined ? new Float32Array(out!) : await checkpoint.read(bias));
    }
  };
  return [{ name: `${joinedName(linears)}.bias`, dtype: "F32", shape: [rows!], data }];
}

function float32(checkpoint: Checkpoint, name: string, names: readonly string[]): TensorToWrite {
  const data = async function* (): AsyncGenerator<Uint8Array> {
    for await (const values of rowsOf(checkpoint, names)) yield bytesOf(values);
  };
  return { name, dtype: "F32", shape: joinedShape(checkpoint, names), data };
}

/** The shape of tensors laid end to end along their first axis. */
function joinedShape({ decoder }: Checkpoint, names: readonly string[]): readonly number[] {
  const shapes = names.map((name) => shapeOf(decoder.tensors, name));
  return [shapes.reduce((rows, [own]) => rows + own!, 0), ...shapes[0]!.slice(1)];
}

/** Rows of tensors one after another, a few at a time. */
async function* rowsOf(
  checkpoint: Checkpoint,
  names: readonly string[],
): AsyncGenerator<Float32Array> {
  for (const name of names) {
    const [rows, width = 1] = shapeOf(checkpoint.decoder.tensors, name);
    const step = Math.max(1, Math.floor(chunk / width));
    for (let row = 0; row < rows!; row += step) {
      yield checkpoint.readRows(name, row, Math.min(row + step, rows!));
    }
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
