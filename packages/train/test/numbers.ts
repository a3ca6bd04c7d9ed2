import { existsSync, readFileSync } from "node:fs";

import { type Decoder, decoderOf } from "@postgrad/model";

/** Where the original implementations' numbers lie: beside the checkout. A clone without them skips what reads them. */
export const fixtures = `${import.meta.dirname}/../../../../shared/fixtures`;
export const hasFixtures = existsSync(`${fixtures}/losses`);

/** The decoder and the float32 weights of a small checkpoint folder. */
export function readModel(folder: string): {
  decoder: Decoder;
  weights: Map<string, Float32Array>;
} {
  const decoder = decoderOf(JSON.parse(readFileSync(`${folder}/config.json`, "utf8")));
  const bytes = readFileSync(`${folder}/model.safetensors`);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const weights = [...decoder.tensors.keys()].map((name) => {
    const [from, to] = header[name]!.data_offsets;
    return [
      name,
      new Float32Array(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer),
    ] as const;
  });
  return { decoder, weights: new Map(weights) };
}
