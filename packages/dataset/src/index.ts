export { type BadRowOptions, dropOf } from "./bad-row.ts";
export { checked } from "./checked.ts";
export { contentId, idOf } from "./content-id.ts";
export { type DropLog, dropLog } from "./drop-log.ts";
export { type Compression, type FileFormat, formatOf, type RowFormat } from "./format.ts";
export { type ReadOptions, readRows } from "./read-rows.ts";
export { type RowWriter, type Written } from "./row-writer.ts";
export { chain, collect, take, type Transform } from "./stream.ts";
export { openWriter, writeRows } from "./write-rows.ts";
