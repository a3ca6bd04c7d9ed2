import { type Passage, records, type SeedDocument } from "@postgrad/schema";

import { contentId } from "../content-id.ts";
import type { Transform } from "../stream.ts";
import { type Block, codeBlocks, markdownBlocks, proseBlocks } from "./blocks.ts";

/** How documents are cut. Lengths are in characters (UTF-16 units). */
export interface PassageOptions {
  /** The longest passage; 4000. */
  readonly maxLength?: number | undefined;
  /** Blocks are joined until a passage has this length, across headings too; 400. */
  readonly minLength?: number | undefined;
}

/**
 * Cuts documents into passages at their own structure: headings, paragraphs and code blocks of Markdown, definitions of
 * programs, paragraphs of prose. A passage is the document's text from `start` to `end`; passages do not overlap, and what
 * lies between them is white space. Blocks under one heading are joined as long as they fit; only a block that is longer
 * than a passage may be is cut inside, at the end of a line or sentence where there is one.
 */
export function passages(options: PassageOptions = {}): Transform<SeedDocument, Passage> {
  return async function* (seeds) {
    for await (const seed of seeds) yield* passagesOf(seed, options);
  };
}

/** The passages of one document. */
export function passagesOf(
  seed: SeedDocument,
  { maxLength = 4000, minLength = 400 }: PassageOptions = {},
): Passage[] {
  const blocks = blocksOf(seed).flatMap((block) => cut(seed.text, block, maxLength));
  return joined(blocks, maxLength, minLength)
    .map((block) => trimmed(seed.text, block))
    .filter(({ start, end }) => end > start)
    .map((block) => passage(seed, block));
}

function blocksOf({ kind, text }: SeedDocument): Block[] {
  if (kind === "markdown") return markdownBlocks(text);
  return kind === "text" ? proseBlocks(text) : codeBlocks(text);
}

/** Cuts a block that is too long, each time as late as a passage allows at the best place that its second half has. */
function cut(text: string, block: Block, maxLength: number): Block[] {
  const pieces: Block[] = [];
  let { start } = block;
  while (block.end - start > maxLength) {
    const end = start + bestCut(text.slice(start, start + maxLength));
    pieces.push({ ...block, start, end });
    start = end;
  }
  return [...pieces, { ...block, start }];
}

// From the best place to the worst. What is matched stays with the piece before the cut.
const places = [/\n\s*\n/g, /\n/g, /[.!?。！？]["')\]]?\s+|[。！？]/g, /\s+/g];

function bestCut(window: string): number {
  for (const place of places) {
    const last = [...window.matchAll(place)].at(-1);
    const end = last ? last.index + last[0].length : 0;
    if (end > window.length / 2) return end;
  }
  // Between the halves of a surrogate pair there is no cut, unless there is nothing else.
  const half = /[\uD800-\uDBFF]$/.test(window) && window.length > 1;
  return half ? window.length - 1 : window.length;
}

/** Joins neighbours: under one heading as long as they fit, across headings only while what there is is too short. */
function joined(blocks: readonly Block[], maxLength: number, minLength: number): Block[] {
  const result: Block[] = [];
  for (const block of blocks) {
    const last = result.at(-1);
    const fits = last && block.end - last.start <= maxLength;
    const together = last && (sameSection(last, block) || last.end - last.start < minLength);
    if (fits && together) result[result.length - 1] = { ...last, end: block.end };
    else result.push(block);
  }
  return result;
}

function sameSection({ headings: a }: Block, { headings: b }: Block): boolean {
  return a.length === b.length && a.every((title, i) => title === b[i]);
}

function trimmed(text: string, block: Block): Block {
  const piece = text.slice(block.start, block.end);
  // Blank lines before the first line go, its indentation stays.
  const start = block.start + (/^(?:[^\S\n]*\n)*/.exec(piece)?.[0].length ?? 0);
  return { ...block, start, end: Math.max(start, block.start + piece.trimEnd().length) };
}

function passage(seed: SeedDocument, { start, end, headings }: Block): Passage {
  const cutOut = {
    schema: "passage/1" as const,
    seed: seed.id,
    kind: seed.kind,
    text: seed.text.slice(start, end),
    start,
    end,
    ...(headings.length > 0 ? { headings: [...headings] } : {}),
    ...(seed.license === undefined ? {} : { license: seed.license }),
    ...(seed.meta === undefined ? {} : { meta: seed.meta }),
  };
  return { id: contentId(cutOut, records.passage), ...cutOut };
}
