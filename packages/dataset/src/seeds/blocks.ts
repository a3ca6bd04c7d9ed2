/** A piece of a document that is not cut without need: a paragraph, a code block, a definition. */
export interface Block {
  readonly start: number;
  readonly end: number;
  /** Headings above it, outermost first. */
  readonly headings: readonly string[];
}

interface Line {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The blocks of prose: paragraphs, which blank lines part. */
export function proseBlocks(text: string): Block[] {
  return grouped(linesOf(text), (line, previous) => isBlank(previous) && !isBlank(line));
}

/**
 * The blocks of a program: definitions with the comments above them. One begins after a blank line at a line that is not
 * indented and closes nothing, which holds in every language that people indent.
 */
export function codeBlocks(text: string): Block[] {
  return grouped(
    linesOf(text),
    (line, previous) =>
      isBlank(previous) && /^[^\s)\]}]/.test(line) && !/^(end|else|fi)\b/.test(line),
  );
}

/** The blocks of Markdown: paragraphs and whole code blocks; a heading stays with what follows it. */
export function markdownBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const trail: { level: number; title: string }[] = [];
  let begun: Line[] = [];
  let fence: string | undefined;
  const finish = (): void => {
    if (begun.some((line) => !isBlank(line.text))) {
      const headings = trail.map(({ title }) => title);
      blocks.push({ start: begun[0]!.start, end: begun.at(-1)!.end, headings });
    }
    begun = [];
  };
  const lines = linesOf(text);
  for (const [i, line] of lines.entries()) {
    const marker = /^ {0,3}(`{3,}|~{3,})/.exec(line.text)?.[1];
    const heading = fence === undefined ? headingAt(lines, i) : undefined;
    if (heading) {
      finish();
      while (trail.length > 0 && trail.at(-1)!.level >= heading.level) trail.pop();
      trail.push(heading);
    } else if (fence === undefined && isBlank(lines[i - 1]?.text) && !isBlank(line.text)) {
      if (!begun.every(({ text: above }) => isBlank(above) || isHeading(above))) finish();
    }
    begun.push(line);
    if (fence === undefined) fence = marker;
    else if (marker?.startsWith(fence) && line.text.trim() === marker) fence = undefined;
  }
  finish();
  return blocks;
}

/** The heading that begins at a line: `# Title`, or a title that `===` or `---` underlines. */
function headingAt(
  lines: readonly Line[],
  i: number,
): { level: number; title: string } | undefined {
  const line = lines[i]!.text;
  const [, marks, title] = /^ {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*$/.exec(line) ?? [];
  if (marks !== undefined && title !== undefined) return { level: marks.length, title };
  const [, under] = /^ {0,3}(=+|-+)\s*$/.exec(lines[i + 1]?.text ?? "") ?? [];
  const isTitle = isBlank(lines[i - 1]?.text) && /^ {0,3}[^\s>|*+-]/.test(line);
  return under !== undefined && isTitle
    ? { level: under.startsWith("=") ? 1 : 2, title: line.trim() }
    : undefined;
}

const isHeading = (line: string): boolean => /^ {0,3}(#{1,6}\s|=+\s*$|-+\s*$)/.test(line);
const isBlank = (line: string | undefined): boolean => line === undefined || line.trim() === "";

/** Groups lines to blocks; `begins` tells whether a line starts one. */
function grouped(
  lines: readonly Line[],
  begins: (line: string, previous: string | undefined) => boolean,
): Block[] {
  const blocks: { start: number; end: number; headings: string[] }[] = [];
  for (const [i, { text, start, end }] of lines.entries()) {
    const block = blocks.at(-1);
    if (!block || begins(text, lines[i - 1]?.text)) blocks.push({ start, end, headings: [] });
    else block.end = end;
  }
  return blocks;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < text.length;) {
    const found = text.indexOf("\n", start);
    const end = found < 0 ? text.length : found + 1;
    lines.push({ text: text.slice(start, end).replace(/\r?\n$/, ""), start, end });
    start = end;
  }
  return lines;
}
