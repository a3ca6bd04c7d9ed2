import { Tensor } from "onnxruntime-node";

import type { Layout, Placed } from "./layout.ts";

/** How many leading positions of a text run each layer, [layers]; the whole text where nothing is skipped. */
export type PrefixOf = (placed: Placed) => readonly number[];

/** What a layout is for the training graph: every input but the weights and what belongs to the loss. */
export function layoutFeeds(
  { rows, length, placed }: Layout,
  { packed, prefixOf }: { readonly packed: boolean; readonly prefixOf?: PrefixOf | undefined },
): Record<string, Tensor> {
  const ids = new BigInt64Array(rows * length);
  const positions = new BigInt64Array(rows * length);
  const segments = new BigInt64Array(rows * length);
  for (const [index, { text, row, start }] of placed.entries()) {
    for (const [at, id] of text.ids.entries()) {
      const place = row * length + start + at;
      ids[place] = BigInt(id);
      positions[place] = BigInt(at);
      segments[place] = BigInt(index + 1);
    }
  }
  const shape = [rows, length];
  return {
    input_ids: new Tensor("int64", ids, shape),
    position_ids: new Tensor("int64", positions, shape),
    places: new Tensor(
      "int64",
      BigInt64Array.from({ length }, (_, i) => BigInt(i)),
      [length],
    ),
    ...(packed && { segment_ids: new Tensor("int64", segments, shape) }),
    ...(prefixOf && { prefix: prefixes(placed, prefixOf) }),
    ...scoredPlaces({ rows, length, placed }),
  };
}

/** The places whose next token counts, in the order of the texts, and which response each belongs to. */
function scoredPlaces({ rows, length, placed }: Layout): Record<string, Tensor> {
  const count = placed.reduce((sum, { text }) => sum + text.scored.length, 0);
  const selected = new BigInt64Array(count);
  const targets = new BigInt64Array(count);
  const responses = new BigInt64Array(count);
  const unselected = new BigInt64Array(rows * length).fill(BigInt(count));
  let next = 0;
  for (const [response, { text, row, start }] of placed.entries()) {
    for (const at of text.scored) {
      const place = row * length + start + at - 1;
      selected[next] = BigInt(place);
      unselected[place] = BigInt(next);
      targets[next] = BigInt(text.ids[at]!);
      responses[next] = BigInt(response);
      next++;
    }
  }
  const lengths = Float32Array.from(placed, ({ text }) => text.scored.length);
  return {
    selected: new Tensor("int64", selected, [count]),
    unselected: new Tensor("int64", unselected, [rows * length]),
    targets: new Tensor("int64", targets, [count]),
    response_of: new Tensor("int64", responses, [count]),
    lengths: new Tensor("float32", lengths, [placed.length]),
  };
}

/** [layers, batch]: rows that hold one text each. */
function prefixes(placed: readonly Placed[], prefixOf: PrefixOf): Tensor {
  const columns = placed.map(prefixOf);
  const layers = columns[0]!.length;
  const data = new BigInt64Array(layers * placed.length);
  for (const [row, column] of columns.entries()) {
    for (const [layer, count] of column.entries())
      data[layer * placed.length + row] = BigInt(count);
  }
  return new Tensor("int64", data, [layers, placed.length]);
}
