// What the machine can do at most: bytes read a second, and single-precision operations of a matrix product a second.
import { Worker } from "node:worker_threads";

import { GraphBuilder, toOnnx } from "@postgrad/model";
import * as ort from "onnxruntime-node";

import { best, reply, task } from "./task.ts";

const { threads, rounds } = task();
/** Node's types leave these two to the DOM's, which this program is checked without. */
const wasm = (globalThis as unknown as { readonly WebAssembly: Wasm }).WebAssembly;
interface Wasm {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => {
    readonly buffer: SharedArrayBuffer;
  };
  readonly Module: new (bytes: Uint8Array) => object;
}

reply({ readBytes: await readRate(), operations: await productRate() });

/** Bytes a second that `threads` threads read from memory: 128-bit loads, four streams of them, over 512 MiB. */
async function readRate(): Promise<number> {
  const pages = 2 ** 13;
  const memory = new wasm.Memory({ initial: pages, maximum: pages, shared: true });
  new Float64Array(memory.buffer).fill(1);
  const module = new wasm.Module(readLoop(pages));
  const bytes = pages * 2 ** 16;
  const share = bytes / threads;
  const source = `
    const { parentPort, workerData: { module, memory } } = require("node:worker_threads");
    const { read } = new WebAssembly.Instance(module, { env: { memory } }).exports;
    parentPort.on("message", ([from, to]) => { read(from, to); parentPort.postMessage(0); });`;
  const workers = Array.from(
    { length: threads },
    () => new Worker(source, { eval: true, workerData: { module, memory } }),
  );
  const pass = (): Promise<unknown> =>
    Promise.all(
      workers.map(
        (worker, i) =>
          new Promise((resolve) => {
            worker.once("message", resolve);
            // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
            worker.postMessage([i * share, (i + 1) * share]);
          }),
      ),
    );
  const ms = await best(4 * rounds, async () => void (await pass()));
  await Promise.all(workers.map((worker) => worker.terminate()));
  return (bytes / ms) * 1000;
}

/** Operations a second of ONNX Runtime's product of [256, 2048] and a constant [2048, 2048]. */
async function productRate(): Promise<number> {
  const [rows, width] = [256, 2048];
  const builder = new GraphBuilder("product");
  const x = builder.input("x", "float32", [rows, width]);
  const data = new Uint8Array(new Float32Array(width * width).fill(0.01).buffer);
  const weight = builder.initializer("w", "float32", [width, width], data);
  builder.output("y", builder.node("MatMul", [x, weight]));
  const session = await ort.InferenceSession.create(toOnnx(builder.finish()).bytes, {
    intraOpNumThreads: threads,
  });
  const feeds = {
    x: new ort.Tensor("float32", new Float32Array(rows * width).fill(0.1), [rows, width]),
  };
  const ms = await best(8 * rounds, async () => void (await session.run(feeds)));
  await session.release();
  return (2 * rows * width * width * 1000) / ms;
}

/**
 * A WebAssembly module by hand: `read(from, to)` adds up the memory between two addresses, 64 bytes a turn, into one 128-bit
 * sum. (module (import "env" "memory" (memory N N shared)) (func (export "read") (param i32 i32) (local v128) loop ...))
 */
function readLoop(pages: number): Uint8Array<ArrayBuffer> {
  const leb = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
  const section = (id: number, body: number[]): number[] => [id, ...leb(body.length), ...body];
  const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
  const sum = (offset: number): number[] =>
    // local.get 0, v128.load, i64x2.add
    [[0x20, 0, 0xfd, 0x00, 4], leb(offset), [0xfd], leb(0xce)].flat();
  const turn = [
    [[0x20, 2], sum(0), sum(16), sum(32), sum(48), [0x21, 2]].flat(),
    [0x20, 0, 0x41, 0xc0, 0x00, 0x6a, 0x22, 0, 0x20, 1, 0x49, 0x0d, 0], // from += 64; again while from < to
  ].flat();
  const body = [
    [1, 1, 0x7b], // one local of type v128
    [[0x03, 0x40], turn, [0x0b]].flat(),
    [0x20, 2, 0xfd, 0x1d, 0, 0x0b], // i64x2.extract_lane 0: the sum is used, so the loop stays
  ].flat();
  const memory = [[1], name("env"), name("memory"), [2, 3], leb(pages), leb(pages)].flat();
  return Uint8Array.from(
    [
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, [1, 0x60, 2, 0x7f, 0x7f, 1, 0x7e]),
      section(2, memory),
      section(3, [1, 0]),
      section(7, [1, ...name("read"), 0, 0]),
      section(10, [1, ...leb(body.length), ...body]),
    ].flat(),
  );
}
