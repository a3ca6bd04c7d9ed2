import { type Edit, type Edits, editDistanceTo } from "./edit-distance.ts";

// Tercom's limits, and sacreBLEU's on the number of candidates.
const maxShiftLength = 10;
const maxShiftDistance = 50;
const maxCandidates = 1000;

/**
 * The least number of edits found that turn `hypothesis` into `reference`, where moving a run of words counts one edit.
 * The best shift is taken as long as one lowers the edit distance (Snover et al., 2006, section 3).
 */
export function translationEdits(
  hypothesis: readonly string[],
  reference: readonly string[],
): number {
  if (reference.length === 0) return hypothesis.length;
  const distance = editDistanceTo(reference);
  let [words, shifts, checked] = [hypothesis, 0, 0];
  for (;;) {
    const best = bestShift(words, reference, distance, checked);
    checked = best.checked;
    if (checked >= maxCandidates || best.gain <= 0) break;
    words = best.words;
    shifts++;
  }
  return shifts + distance(words).cost;
}

interface Shift {
  readonly gain: number;
  readonly length: number;
  readonly start: number;
  readonly target: number;
  readonly words: readonly string[];
}

function bestShift(
  words: readonly string[],
  reference: readonly string[],
  distance: (words: readonly string[]) => Edits,
  checkedBefore: number,
): { gain: number; words: readonly string[]; checked: number } {
  const { cost, edits } = distance(words);
  const alignment = align(edits());
  let checked = checkedBefore;
  let best: Shift | undefined;
  for (const { start, match, length } of matchingRuns(words, reference)) {
    if (!mayShift(alignment, start, match, length)) continue;
    for (const target of targets(alignment.hypothesisAt, match, length)) {
      const shifted = shift(words, start, length, target);
      const candidate = {
        gain: cost - distance(shifted).cost,
        length,
        start,
        target,
        words: shifted,
      };
      if (!best || ranks(candidate, best)) best = candidate;
      checked++;
    }
    if (checked >= maxCandidates) break;
  }
  return { gain: best?.gain ?? 0, words: best?.words ?? words, checked };
}

interface Alignment {
  /** For each word of the reference the position in the hypothesis; -1 is before its first word. */
  readonly hypothesisAt: readonly number[];
  readonly wrongInHypothesis: readonly boolean[];
  readonly wrongInReference: readonly boolean[];
}

function align(edits: readonly Edit[]): Alignment {
  const hypothesisAt: number[] = [];
  const wrongInHypothesis: boolean[] = [];
  const wrongInReference: boolean[] = [];
  for (const edit of edits) {
    if (edit !== "insert") wrongInHypothesis.push(edit !== "keep");
    if (edit === "delete") continue;
    wrongInReference.push(edit !== "keep");
    hypothesisAt.push(wrongInHypothesis.length - 1);
  }
  return { hypothesisAt, wrongInHypothesis, wrongInReference };
}

/** The runs of words that hypothesis and reference share, every length of them, by position in the hypothesis. */
function* matchingRuns(
  words: readonly string[],
  reference: readonly string[],
): Generator<{ start: number; match: number; length: number }> {
  for (let start = 0; start < words.length; start++) {
    const to = Math.min(reference.length, start + maxShiftDistance + 1);
    for (let match = Math.max(0, start - maxShiftDistance); match < to; match++) {
      const longest = Math.min(maxShiftLength, words.length - start, reference.length - match);
      for (let length = 1; length <= longest; length++) {
        if (words[start + length - 1] !== reference[match + length - 1]) break;
        yield { start, match, length };
      }
    }
  }
}

/** A run is moved only where both ends are wrong as they are, and not within itself. */
function mayShift(alignment: Alignment, start: number, match: number, length: number): boolean {
  const anyWrong = (wrong: readonly boolean[], from: number): boolean =>
    wrong.slice(from, from + length).some(Boolean);
  const at = alignment.hypothesisAt[match]!;
  return (
    anyWrong(alignment.wrongInHypothesis, start) &&
    anyWrong(alignment.wrongInReference, match) &&
    (at < start || at >= start + length)
  );
}

/** The positions before which the run may go: after each aligned word from the one before the match to its last. */
function targets(hypothesisAt: readonly number[], match: number, length: number): number[] {
  const found: number[] = [];
  for (let position = match - 1; position < match + length; position++) {
    const target = position < 0 ? 0 : hypothesisAt[position]! + 1;
    if (target !== found.at(-1)) found.push(target);
  }
  return found;
}

function shift(
  words: readonly string[],
  start: number,
  length: number,
  target: number,
): readonly string[] {
  const moved = words.slice(start, start + length);
  const rest = words.toSpliced(start, length);
  // a target behind the run counts with it; one inside it goes as far on, as sacreBLEU has it
  const at = target > start + length ? target - length : target;
  return rest.toSpliced(at, 0, ...moved);
}

/** Tercom's order: the greater gain, then the longer run, then the earlier start, then the earlier target. */
function ranks(a: Shift, b: Shift): boolean {
  const order = [a.gain - b.gain, a.length - b.length, b.start - a.start, b.target - a.target];
  return (order.find((difference) => difference !== 0) ?? 0) > 0;
}
