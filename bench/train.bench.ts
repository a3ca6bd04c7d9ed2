// Training: forward, backward and optimiser of decoders of 1, 5 and 25 million parameters on every core, next to the runtime's
// own matrix product and, where python3 has torch, next to PyTorch on the same shapes and as many threads.
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

import { type Decoder, decoderOf, GraphBuilder, toOnnx } from "@postgrad/model";
import { random } from "@postgrad/schema";
import {
  adamW,
  blankMoments,
  chooseLoss,
  GradientSum,
  oneTextARow,
  Stepper,
  type Text,
} from "@postgrad/train";
import { InferenceSession, Tensor } from "onnxruntime-node";

import { type Figure, rate, report } from "./measure.ts";

/** Layers, width and heads; the batch is 16 rows of 256 tokens, the vocabulary 2,048. */
const shapes = {
  "1M": { layers: 4, width: 128, inner: 352, heads: 4 },
  "5M": { layers: 6, width: 256, inner: 704, heads: 8 },
  "25M": { layers: 8, width: 512, inner: 1376, heads: 8 },
} as const;
type Shape = (typeof shapes)[keyof typeof shapes];
const [rows, length, vocabulary] = [16, 256, 2048];
/** How many rows are computed at once; the gradient is that of the whole batch. */
const together = Number(process.env["POSTGRAD_BENCH_ROWS"] ?? 4);
const threads = availableParallelism();
const wanted = process.env["POSTGRAD_BENCH_SIZES"]?.split(",") ?? Object.keys(shapes);

const configOf = ({ layers, width, inner, heads }: Shape) => ({
  model_type: "llama",
  hidden_size: width,
  intermediate_size: inner,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: heads,
  vocab_size: vocabulary,
  max_position_embeddings: length,
  tie_word_embeddings: true,
});

/** Multiplications and additions of one step: 6 for each weight of a matrix and token, and the products of attention (all pairs). */
const floatsOf = (decoder: Decoder, { layers, width }: Shape): number => {
  const matrices = [...decoder.tensors.values()].filter((shape) => shape.length === 2);
  const weights = matrices.reduce((sum, [out, inputs]) => sum + out! * inputs!, 0);
  return rows * length * (6 * weights + 12 * layers * width * length);
};

async function trainingRate(name: string, shape: Shape): Promise<Figure[]> {
  const decoder = decoderOf(configOf(shape));
  const draw = random("bench");
  const weights = new Map(
    [...decoder.tensors].map(([tensor, form]) => {
      const size = form.reduce((product, axis) => product * axis, 1);
      return [
        tensor,
        Float32Array.from({ length: size }, () => (form.length === 1 ? 1 : (draw() - 0.5) * 0.04)),
      ];
    }),
  );
  const moments = new Map(
    [...weights].map(([tensor, { length: size }]) => [tensor, blankMoments(size)]),
  );
  const texts = Array.from({ length: rows }, (): Text => ({
    ids: Array.from({ length }, () => Math.floor(draw() * vocabulary)),
    scored: Array.from({ length: length - 1 }, (_, i) => i + 1),
    promptLength: 1,
  }));
  await using stepper = new Stepper(decoder, weights, { threads, loss: chooseLoss("sft") });
  let step = 0;
  const work = async (): Promise<void> => {
    const sum = new GradientSum();
    for (let at = 0; at < rows; at += together) {
      const layout = oneTextARow(texts.slice(at, at + together));
      await stepper.step(
        layout,
        { packed: false, rowWeight: 1 / rows, meanLength: length - 1 },
        sum,
      );
    }
    step++;
    const settings = {
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
      learningRate: 1e-4,
      step,
    };
    const scale = Math.min(1, 1 / sum.norm());
    for (const [tensor, gradient] of sum.entries)
      adamW(weights.get(tensor)!, gradient, moments.get(tensor)!, { ...settings, scale });
  };
  const giga = floatsOf(decoder, shape) / 1e9;
  const speed = await rate(`${name}: postgrad`, giga, "GFLOP", work, 3);
  const tokens = (rows * length) / giga;
  const memory = process.memoryUsage().rss / 2 ** 20;
  return [
    speed,
    {
      ...speed,
      name: `${name}: postgrad, tokens`,
      value: speed.value * tokens,
      low: speed.low * tokens,
      high: speed.high * tokens,
      unit: "tokens/s",
    },
    { name: `${name}: process memory`, value: memory, low: memory, high: memory, unit: "MiB" },
  ];
}

/** The runtime's matrix product, fed as training feeds it: [4096, 1024] times [1024, 1024] transposed. */
async function productRate(): Promise<Figure> {
  const [m, n] = [4096, 1024];
  const builder = new GraphBuilder("product");
  const [x, weight] = [
    builder.input("x", "float32", [m, n]),
    builder.input("weight", "float32", [n, n]),
  ];
  builder.output("y", builder.slice(builder.gemm(x, weight), 0, 0, 1));
  const session = await InferenceSession.create(toOnnx(builder.finish()).bytes, {
    intraOpNumThreads: threads,
  });
  const draw = random("product");
  const tensor = (shape: readonly number[]): Tensor =>
    new Tensor("float32", Float32Array.from({ length: shape[0]! * shape[1]! }, draw), shape);
  const feeds = { x: tensor([m, n]), weight: tensor([n, n]) };
  const figure = await rate(
    "matrix product",
    (2 * m * n * n) / 1e9,
    "GFLOP",
    () => session.run(feeds),
    9,
  );
  await session.release();
  return figure;
}

/** The same step in PyTorch; set up well, which halves what it needs on Debian (OpenBLAS with OpenMP, memory kept). */
function pytorchRate(name: string, shape: Shape): Figure[] {
  const giga = floatsOf(decoderOf(configOf(shape)), shape) / 1e9;
  const env = {
    ...process.env,
    OMP_NUM_THREADS: String(threads),
    MALLOC_MMAP_THRESHOLD_: "4294967296",
    MALLOC_TRIM_THRESHOLD_: "4294967296",
  };
  try {
    const input = JSON.stringify({ ...shape, rows, length, vocabulary, threads });
    const output = execFileSync("python3", [`${import.meta.dirname}/train-pytorch.py`, input], {
      encoding: "utf8",
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const seconds = (JSON.parse(output) as number[]).toSorted((a, b) => a - b);
    const [fast, middle, slow] = [
      seconds[0]!,
      seconds[Math.floor(seconds.length / 2)]!,
      seconds.at(-1)!,
    ];
    return [
      {
        name: `${name}: PyTorch`,
        value: giga / middle,
        low: giga / slow,
        high: giga / fast,
        unit: "GFLOP/s",
      },
    ];
  } catch {
    console.log(
      `${name}: python3 has no torch here (Debian: apt-get install python3-torch libopenblas0-openmp)`,
    );
    return [];
  }
}

const figures: Figure[] = [await productRate()];
for (const [name, shape] of Object.entries(shapes)) {
  if (!wanted.includes(name)) continue;
  figures.push(...(await trainingRate(name, shape)), ...pytorchRate(name, shape));
}
report("train", figures);
