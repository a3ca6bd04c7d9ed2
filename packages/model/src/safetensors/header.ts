import { PostgradError } from "@postgrad/schema";

import type { RandomAccessFile } from "../files/files.ts";
import { duplicateKey } from "./duplicate-keys.ts";
import { elementBytes } from "./element-types.ts";

/** The largest header that the reference implementation reads. */
const greatestHeader = 100_000_000;

/** One tensor of a safetensors file. */
export interface SafetensorsEntry {
  /** Element type as the format names it: `F32`, `BF16`, `U8` ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Place of the first byte, counted from the beginning of the file. */
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads and checks the header of a safetensors file: 64 bits with its length, then JSON, then the data without holes or
 * overlaps.
 *
 * Throws `model/safetensors`, naming the file and what is wrong: cut file, absurd length, no JSON, duplicate name, unknown
 * element type, offsets that overlap, leave holes, go past the end or do not fit the shape.
 */
export async function readSafetensorsHeader(
  file: RandomAccessFile,
): Promise<ReadonlyMap<string, SafetensorsEntry>> {
  const wrong = (what: string): PostgradError =>
    new PostgradError("model/safetensors", `${file.path} is no whole safetensors file: ${what}`);
  if (file.size < 8) throw wrong(`it has ${file.size} bytes`);
  const start = new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true);
  if (start > BigInt(Math.min(greatestHeader, file.size - 8))) {
    throw wrong(`its header should have ${start} bytes, the file has ${file.size}`);
  }
  const data = 8 + Number(start);
  const header = parse(await file.read(8, Number(start)), wrong);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => [name, entryOf(name, value, data, wrong)] as const);
  checkLayout(entries, data, file.size, wrong);
  return new Map(entries);
}

type Wrong = (what: string) => PostgradError;

function parse(bytes: Uint8Array, wrong: Wrong): object {
  const text = decode(bytes, wrong);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw wrong(
      `its header is no JSON (${cause instanceof Error ? cause.message.slice(0, 100) : ""})`,
    );
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw wrong("its header is no JSON object");
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw wrong(`its header names "${twice.slice(0, 100)}" twice`);
  return header;
}

function decode(bytes: Uint8Array, wrong: Wrong): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw wrong("its header is no UTF-8");
  }
}

function entryOf(name: string, value: unknown, data: number, wrong: Wrong): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const bytes = elementBytes.get(String(dtype));
  if (bytes === undefined)
    throw wrong(`"${name}" has the unknown element type ${JSON.stringify(dtype)}`);
  if (!isNaturals(shape)) throw wrong(`"${name}" has the shape ${JSON.stringify(shape)}`);
  if (!isNaturals(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw wrong(`"${name}" has the offsets ${JSON.stringify(offsets)}`);
  }
  const length = offsets[1]! - offsets[0]!;
  const needed = shape.reduce((product, size) => product * size, bytes);
  if (length !== needed) {
    throw wrong(
      `"${name}" has ${length} bytes, its shape [${shape.join(", ")}] of ${String(dtype)} takes ${needed}`,
    );
  }
  return { dtype: dtype as string, shape, offset: data + offsets[0]!, length };
}

/** Entries must follow each other without holes or overlaps and end where the file ends. */
function checkLayout(
  entries: readonly (readonly [string, SafetensorsEntry])[],
  data: number,
  size: number,
  wrong: Wrong,
): void {
  let end = data;
  for (const [name, { offset, length }] of entries.toSorted(
    ([, a], [, b]) => a.offset - b.offset || a.length - b.length,
  )) {
    if (offset !== end)
      throw wrong(`"${name}" begins at byte ${offset}, the one before it ends at ${end}`);
    end += length;
  }
  if (end !== size) throw wrong(`its data should end at byte ${end}, the file has ${size}`);
}

const isNaturals = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
