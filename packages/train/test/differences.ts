import { GraphBuilder, toOnnx, type Value } from "@postgrad/model";
import { random } from "@postgrad/schema";
import * as ort from "onnxruntime-node";

import { gradients } from "../src/index.ts";

/** An operation under test: float inputs by shape, and how the output is built from them. */
export interface Operation {
  readonly shapes: readonly (readonly number[])[];
  readonly build: (builder: GraphBuilder, inputs: readonly Value[]) => Value;
  /** The range that inputs are drawn from. */
  readonly range?: readonly [number, number];
}

/** The greatest difference between the graph's gradients and central differences of the graph's value, over all elements. */
export async function worstDifference({
  shapes,
  build,
  range = [-1.5, 1.5],
}: Operation): Promise<number> {
  const draw = random("inputs");
  const data = shapes.map((shape) =>
    Float32Array.from({ length: size(shape) }, () => range[0] + draw() * (range[1] - range[0])),
  );
  const forward = await openSum(shapes, build, false);
  const backward = await openSum(shapes, build, true);
  const feeds = (values: readonly Float32Array[]): Record<string, ort.Tensor> =>
    Object.fromEntries(
      values.map((value, i) => [`x${i}`, new ort.Tensor("float32", value, shapes[i])]),
    );
  const value = async (values: readonly Float32Array[]): Promise<number> =>
    ((await forward.run(feeds(values)))["y"]!.data as Float32Array).reduce(
      (sum, part) => sum + part,
      0,
    );
  const found = await backward.run(feeds(data));
  let worst = 0;
  for (const [i, values] of data.entries()) {
    const gradient = found[`g${i}`]!.data as Float32Array;
    for (let at = 0; at < values.length; at++) {
      const moved = async (by: number): Promise<number> =>
        value(data.map((other, j) => (j === i ? other.with(at, other[at]! + by) : other)));
      // Fourth order, so that the step can be large enough for float32.
      const h = 0.02;
      const difference =
        (8 * ((await moved(h)) - (await moved(-h))) -
          ((await moved(2 * h)) - (await moved(-2 * h)))) /
        (12 * h);
      worst = Math.max(worst, Math.abs(difference - gradient[at]!));
    }
  }
  return worst;
}

/** The graph of weighted outputs (weights that differ, so that no error cancels), or that of the gradients of their sum. */
async function openSum(
  shapes: Operation["shapes"],
  build: Operation["build"],
  isBackward: boolean,
): Promise<ort.InferenceSession> {
  const builder = new GraphBuilder("operation");
  const inputs = shapes.map((shape, i) => builder.input(`x${i}`, "float32", shape));
  const y = build(builder, inputs);
  const count = size(y.shape as number[]);
  const weights = Float32Array.from({ length: count }, (_, i) => 0.5 + ((i * 7) % 11) / 10);
  const weighted = builder.mul(y, builder.constant("float32", weights, y.shape as number[]));
  if (isBackward) {
    const sum = builder.reduce("ReduceSum", builder.reshape(weighted, [count]), [0], false);
    for (const [i, g] of gradients(builder, sum, inputs).entries()) builder.output(`g${i}`, g!);
  } else builder.output("y", weighted);
  return ort.InferenceSession.create(toOnnx(builder.finish()).bytes, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}

const size = (shape: readonly number[]): number =>
  shape.reduce((product, length) => product * length, 1);
