import { PostgradError } from "@postgrad/schema";
import * as ort from "onnxruntime-node";

import { allocateTensor } from "./allocate.ts";
import type { Runtime, RuntimeGraph, Session, SessionOptions, Tensor } from "./runtime.ts";

/** onnxruntime-node through its public API, on the CPU or on a WebGPU adapter. */
export function runtimeOn(provider: "cpu" | "webgpu"): Runtime {
  return {
    name: `onnxruntime-node ${provider}`,
    allocate: allocateTensor,
    open: async (graph, options = {}) => {
      try {
        const session = await ort.InferenceSession.create(
          graph.bytes,
          settings(provider, graph, options),
        );
        return new NodeSession(session);
      } catch (cause) {
        throw new PostgradError(
          "skipdecode/runtime",
          `ONNX Runtime did not open the graph: ${(cause as Error).message}`,
          { cause, fault: "system" },
        );
      }
    },
  };
}

/** The runtime of this platform. */
export const runtime: Runtime = runtimeOn("cpu");

function settings(
  provider: string,
  { weights }: RuntimeGraph,
  { threads }: SessionOptions,
): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    // The shapes change at every step: a plan kept for each of them would grow without end.
    enableMemPattern: false,
    extra: {
      session: {
        // Each session has threads of its own; those that spin after their run take the cores from the next session.
        intra_op: { allow_spinning: "0" },
        ...(typeof weights === "string" && {
          model_external_initializers_file_folder_path: weights,
        }),
      },
    },
  };
}

class NodeSession implements Session {
  readonly #session: ort.InferenceSession;
  readonly #feeds: Record<string, ort.Tensor> = {};

  constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  bind(input: string, { type, data, dims }: Tensor): void {
    this.#feeds[input] = new ort.Tensor(type, data, dims);
  }

  async run(outputs: readonly string[]): Promise<Tensor[]> {
    const results = await this.#session.run(this.#feeds, outputs);
    return outputs.map((name) => results[name] as unknown as Tensor);
  }

  async dispose(): Promise<void> {
    for (const name of Object.keys(this.#feeds)) delete this.#feeds[name];
    await this.#session.release();
  }
}
