/** Where a value was found. */
export interface Place {
  /** Path or other name of the source, as the user gave it. */
  readonly file?: string;
  /** Line of a text file or row of a table, counted from 1. */
  readonly line?: number;
}

/** `data.jsonl:17`, `data.jsonl` or nothing, followed by a colon and a space where there is something. */
export function placePrefix({ file, line }: Place): string {
  if (file === undefined) return line === undefined ? "" : `line ${line}: `;
  return line === undefined ? `${file}: ` : `${file}:${line}: `;
}
