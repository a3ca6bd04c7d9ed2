export { type BadRowOptions, dropOf } from "./bad-row.ts";
export { checked } from "./checked.ts";
export { contentId, idOf } from "./content-id.ts";
export { type DataFile, dataFiles, type Selection } from "./data-files.ts";
export {
  type Contamination,
  ContaminationIndex,
  contaminationIndex,
  type ContaminationOptions,
  decontaminate,
  type DecontaminateOptions,
} from "./decontaminate.ts";
export { dedup, type DedupOptions } from "./dedup.ts";
export { type DropLog, dropLog } from "./drop-log.ts";
export { type Compression, type FileFormat, formatOf, type RowFormat } from "./format.ts";
export {
  card,
  type CardInput,
  type CardText,
  type ConfigInfo,
  sizeCategory,
  type SplitInfo,
} from "./hub/card.ts";
export { type FolderOptions, type FolderWriter, openFolder } from "./hub/folder-writer.ts";
export { type ShardFormat } from "./hub/shards.ts";
export { type Bands, bandsFor, chanceToMeet } from "./minhash/bands.ts";
export { nearDedup, NearDedupConfig, type NearDedupOptions } from "./minhash/near-dedup.ts";
export { minHash, type Signature, type Signer, similarity } from "./minhash/signature.ts";
export { mix, type Source } from "./mix.ts";
export { type Field, type Shape } from "./parquet/shape.ts";
export { type Profile, profileOf, type Profiler, profiler } from "./profile.ts";
export { type PlacedRow, type ReadOptions, readPlaced, readRows } from "./read-rows.ts";
export { rowTexts } from "./row-texts.ts";
export { type RowWriter, type Written } from "./row-writer.ts";
export { sampleCount, sampleShare, shuffle } from "./sample.ts";
export { type PassageOptions, passages, passagesOf } from "./seeds/passages.ts";
export { readSeeds, type SeedOptions } from "./seeds/read-seeds.ts";
export { type SourceOptions } from "./source-blocks.ts";
export { type Shares, SourceGroups, sourceGroups, sourcesOf, splitter } from "./split.ts";
export { chain, collect, take, type Transform } from "./stream.ts";
export { openWriter, type WriteOptions, writeRows } from "./write-rows.ts";
