import { embedGraph, headGraph, hiddenScore, layersGraph, maskName } from "@postgrad/model";
import { toOnnx } from "@postgrad/model";

import type { LayerSchedule } from "../src/index.ts";
import { argmax } from "../src/index.ts";
import { runtime } from "../src/runtime.node.ts";
import type { Session, Tensor } from "../src/runtime.ts";
import type { Checkpoint } from "./checkpoints.ts";

const tensor = (data: Float32Array, dims: number[]): Tensor => ({ type: "float32", data, dims });
const int64 = (value: number, dims: number[]): Tensor => ({
  type: "int64",
  data: BigInt64Array.of(BigInt(value)),
  dims,
});

/**
 * The method as its note writes it, as slowly as can be: one sequence, one position and one layer at a time, each layer with
 * a list of keys and values of its own, and an assertion that the list has no hole.
 */
export async function perLayer(
  { decoder, weights }: Checkpoint,
  prompt: readonly number[],
  count: number,
  schedule: LayerSchedule,
): Promise<{ tokens: number[]; logits: Float32Array[] }> {
  const opened: Session[] = [];
  const open = async (graph: Parameters<typeof toOnnx>[0]): Promise<Session> => {
    const session = await runtime.open(toOnnx(graph), { threads: 1 });
    opened.push(session);
    return session;
  };
  const embed = await open(embedGraph(decoder, weights));
  const head = await open(headGraph(decoder, weights));
  const layers: { session: Session; keys: Float32Array[]; values: Float32Array[] }[] = [];
  for (let from = 0; from < decoder.layers; from++) {
    const session = await open(layersGraph(decoder, weights, { from, to: from + 1 }));
    layers.push({ session, keys: [], values: [] });
  }
  const size = decoder.kvHeads * decoder.headDim;
  const joined = (held: Float32Array[]): Tensor => {
    const flat = new Float32Array((held.length + 1) * size); // the graph wants one column before the first
    for (const [i, own] of held.entries()) flat.set(own, (i + 1) * size);
    return tensor(flat, [held.length + 1, 1, decoder.kvHeads, decoder.headDim]);
  };
  const read = async (token: number, position: number, active: readonly number[]) => {
    embed.bind("input_ids", int64(token, [1, 1]));
    embed.bind("position_ids", int64(position, [1, 1]));
    const names = decoder.rotaryDim > 0 ? ["cos", "sin"] : [];
    const [first, ...tables] = await embed.run(["hidden", ...names]);
    let hidden = first!;
    for (const layer of active) {
      const { session, keys, values } = layers[layer]!;
      if (keys.length !== position)
        throw new Error(`layer ${layer} has ${keys.length} of ${position}`);
      const window = decoder.window(layer) ?? Infinity;
      const mask = new Float32Array(position + 2).map((_, column) =>
        column > 0 && column - 1 > position - window ? 0 : hiddenScore,
      );
      session.bind("hidden", hidden);
      for (const [i, name] of names.entries()) session.bind(name, tables[i]!);
      session.bind(maskName(decoder.window(layer)), tensor(mask, [1, 1, 1, 1, position + 2]));
      session.bind(`past_key.${layer}`, joined(keys));
      session.bind(`past_value.${layer}`, joined(values));
      const [out, key, value] = await session.run(["hidden_out", `key.${layer}`, `value.${layer}`]);
      keys.push(key!.data as Float32Array);
      values.push(value!.data as Float32Array);
      hidden = out!;
    }
    head.bind("hidden", hidden);
    head.bind("selected", int64(0, [1]));
    return (await head.run(["logits"]))[0]!.data as Float32Array;
  };

  const logits: Float32Array[] = [];
  let last!: Float32Array;
  for (const [position, token] of prompt.entries())
    last = await read(token, position, schedule.prompt);
  const tokens = [argmax(last)];
  logits.push(last);
  for (let index = 0; tokens.length < count; index++) {
    last = await read(tokens.at(-1)!, prompt.length + index, schedule.layersAt(index));
    logits.push(last);
    tokens.push(argmax(last));
  }
  await Promise.all(opened.map((session) => session.dispose()));
  return { tokens, logits };
}
