import { type Drop, parseConfig, PostgradError } from "@postgrad/schema";
import { type Static, Type } from "typebox";

import { dropOf } from "../bad-row.ts";
import { idOf } from "../content-id.ts";
import { rowTexts } from "../row-texts.ts";
import type { Transform } from "../stream.ts";
import { type Bands, bandsFor } from "./bands.ts";
import { SignatureIndex } from "./signature-index.ts";
import { minHash } from "./signature.ts";

/** The settings of MinHash-LSH that are plain data. */
export const NearDedupConfig = Type.Object(
  {
    threshold: Type.Number({
      default: 0.7,
      exclusiveMinimum: 0,
      maximum: 1,
      description: "estimated Jaccard similarity from which two rows count as the same",
    }),
    ngram: Type.Integer({ default: 5, minimum: 1, description: "words in an n-gram" }),
    permutations: Type.Integer({ default: 128, minimum: 1, description: "numbers in a signature" }),
    bands: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: "bands of a signature (default: what suits the threshold)",
      }),
    ),
    bandRows: Type.Optional(Type.Integer({ minimum: 1, description: "numbers in a band" })),
    seed: Type.Integer({ default: 0, minimum: 0, description: "seed of the hash functions" }),
  },
  { additionalProperties: false },
);
export type NearDedupConfig = Static<typeof NearDedupConfig>;

/** What `nearDedup` may be told beside its settings. */
export interface NearDedupOptions<Row> extends Partial<NearDedupConfig> {
  /** The texts that are compared. Default: the record's own (`rowTexts`). */
  readonly texts?: (row: Row) => readonly string[];
  /** Receives each row that is too like an earlier one, with `duplicateOf` (that row's id) and `similarity`. */
  readonly onDrop?: ((drop: Drop) => void | Promise<void>) | undefined;
}

/**
 * Drops rows whose text is nearly that of a row that has passed: MinHash signatures over word n-grams, looked up by bands,
 * confirmed by the share of the signature that agrees. The first of a group passes. Rows without words pass.
 *
 * Memory grows by about 700 bytes for each row that passes, at the default settings.
 *
 * @throws PostgradError `schema/invalid` or `dataset/bands` for settings that make no sense.
 */
export function nearDedup<Row extends object>({
  texts = rowTexts,
  onDrop,
  ...given
}: NearDedupOptions<Row> = {}): Transform<Row> {
  const config = parseConfig(NearDedupConfig, given, { file: "near dedup" });
  const bands = bandsOf(config);
  const sign = minHash(config);
  return async function* (rows) {
    const index = new SignatureIndex(config.permutations, bands);
    const ids: string[] = [];
    for await (const row of rows) {
      const signature = sign(texts(row));
      const hasWords = signature[0] !== 0xffffffff;
      const near = hasWords ? index.nearest(signature, config.threshold) : undefined;
      if (near) {
        await onDrop?.(nearDrop(row, ids[near.entry]!, near.similarity));
        continue;
      }
      if (hasWords) {
        index.add(signature);
        ids.push(idOf(row));
      }
      yield row;
    }
  };
}

function nearDrop(row: object, duplicateOf: string, similarity: number): Drop {
  const reason = `nearly the same as row ${duplicateOf} (estimated similarity ${similarity.toFixed(2)})`;
  return { ...dropOf("dataset/near-duplicate", reason, { row }), duplicateOf, similarity } as Drop;
}

function bandsOf({ permutations, threshold, bands, bandRows }: NearDedupConfig): Bands {
  if (bands === undefined && bandRows === undefined) return bandsFor(permutations, threshold);
  const rows = bandRows ?? Math.max(1, Math.floor(permutations / bands!));
  const cut = { rows, bands: bands ?? Math.floor(permutations / rows) };
  if (cut.bands >= 1 && cut.bands * cut.rows <= permutations) return cut;
  throw new PostgradError(
    "dataset/bands",
    `${cut.bands} bands of ${cut.rows} numbers do not fit into a signature of ${permutations}: raise permutations or cut smaller bands`,
  );
}
