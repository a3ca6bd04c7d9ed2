import { type Graph, toOnnx } from "@postgrad/model";
import { InferenceSession } from "onnxruntime-node";

/** Opens a graph on the CPU with that many threads. */
export async function openSession(graph: Graph, threads: number): Promise<InferenceSession> {
  return InferenceSession.create(toOnnx(graph).bytes, {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}
