export { type BadRowOptions, dropOf } from "./bad-row.ts";
export { checked } from "./checked.ts";
export { contentId, idOf } from "./content-id.ts";
export { type DropLog, dropLog } from "./drop-log.ts";
export { type Compression, type FileFormat, formatOf, type RowFormat } from "./format.ts";
export { type ReadOptions, readRows } from "./read-rows.ts";
export { type RowWriter, type Written } from "./row-writer.ts";
export { chain, collect, take, type Transform } from "./stream.ts";
export { openWriter, writeRows } from "./write-rows.ts";
export { dedup, type DedupOptions } from "./dedup.ts";
export {
  type Contamination,
  ContaminationIndex,
  contaminationIndex,
  type ContaminationOptions,
  decontaminate,
  type DecontaminateOptions,
} from "./decontaminate.ts";
export { type Bands, bandsFor, chanceToMeet } from "./minhash/bands.ts";
export { nearDedup, NearDedupConfig, type NearDedupOptions } from "./minhash/near-dedup.ts";
export { minHash, type Signature, type Signer, similarity } from "./minhash/signature.ts";
export { mix, type Source } from "./mix.ts";
export { rowTexts } from "./row-texts.ts";
export { sampleCount, sampleShare, shuffle } from "./sample.ts";
export { type Shares, SourceGroups, sourceGroups, sourcesOf, splitter } from "./split.ts";
