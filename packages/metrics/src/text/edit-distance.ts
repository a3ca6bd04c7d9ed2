/** How one word of the alignment comes about when the hypothesis is rewritten into the reference. */
export type Edit = "keep" | "substitute" | "insert" | "delete";

/** The number of edits, and on demand the edits in order. */
export interface Edits {
  readonly cost: number;
  readonly edits: () => Edit[];
}

// Tercom's limit on how far from the diagonal an alignment may go, in words.
const beamWidth = 25;
const maxStoredRows = 10_000;
const unreached = 1e9;

const kinds = ["keep", "substitute", "delete", "insert"] as const satisfies readonly Edit[];
const [keep, substitute, remove, insert] = [0, 1, 2, 3]; // as positions in kinds, to keep rows small

interface Row {
  readonly costs: Int32Array;
  readonly edits: Uint8Array;
  readonly next: Map<string, Row>;
}

/**
 * The edit distance of word sequences to `reference`, within Tercom's beam. Rows of the table are kept by the words that
 * lead to them, because the candidates of one search are of one length and share long beginnings.
 */
export function editDistanceTo(
  reference: readonly string[],
): (hypothesis: readonly string[]) => Edits {
  const width = reference.length + 1;
  const first: Row = {
    costs: Int32Array.from({ length: width }, (_, i) => i),
    edits: new Uint8Array(width).fill(insert),
    next: new Map(),
  };
  let stored = 0;
  return (hypothesis) => {
    const rows = [first];
    for (const [i, word] of hypothesis.entries()) {
      const above = rows.at(-1)!;
      let row = above.next.get(word);
      if (!row) {
        row = nextRow(above, word, reference, band(i + 1, hypothesis.length, reference.length));
        if (stored < maxStoredRows) above.next.set(word, row);
        stored++;
      }
      rows.push(row);
    }
    return { cost: rows.at(-1)!.costs.at(-1)!, edits: () => backtrack(rows, reference.length) };
  };
}

/** The columns [from, to) of row `i` that are within the beam around the diagonal. */
function band(i: number, hypothesisLength: number, referenceLength: number): [number, number] {
  const ratio = referenceLength / hypothesisLength;
  const width = beamWidth < ratio / 2 ? Math.ceil(ratio / 2 + beamWidth) : beamWidth;
  const diagonal = Math.floor(i * ratio);
  const last = i === hypothesisLength;
  return [
    Math.max(0, diagonal - width),
    last ? referenceLength + 1 : Math.min(referenceLength + 1, diagonal + width),
  ];
}

function nextRow(
  above: Row,
  word: string,
  reference: readonly string[],
  [from, to]: [number, number],
): Row {
  const costs = new Int32Array(reference.length + 1).fill(unreached);
  const edits = new Uint8Array(reference.length + 1);
  const offer = (column: number, cost: number, edit: number): void => {
    if (cost >= costs[column]!) return;
    costs[column] = cost;
    edits[column] = edit;
  };
  for (let j = from; j < to; j++) {
    if (j > 0) {
      const same = word === reference[j - 1];
      offer(j, above.costs[j - 1]! + (same ? 0 : 1), same ? keep : substitute);
    }
    offer(j, above.costs[j]! + 1, remove);
    if (j > 0) offer(j, costs[j - 1]! + 1, insert);
  }
  return { costs, edits, next: new Map() };
}

function backtrack(rows: readonly Row[], referenceLength: number): Edit[] {
  const edits: Edit[] = [];
  let [i, j] = [rows.length - 1, referenceLength];
  while (i > 0 || j > 0) {
    const edit = rows[i]!.edits[j]!;
    edits.push(kinds[edit]!);
    if (edit !== insert) i--;
    if (edit !== remove) j--;
  }
  return edits.toReversed();
}
