import { PostgradError } from "@postgrad/schema";
import type * as Ort from "onnxruntime-web";

import { allocateTensor } from "./allocate.ts";
import type { Runtime, RuntimeGraph, Session, Tensor } from "./runtime.ts";

type Provider = "cpu" | "webgpu";

/**
 * onnxruntime-web through its public API: WebAssembly (SIMD, and threads where the page is cross-origin isolated) or a
 * WebGPU adapter. Each has a build of its own, loaded when its first graph is opened.
 */
export function runtimeOn(provider: Provider): Runtime {
  return {
    name: `onnxruntime-web ${provider === "cpu" ? "wasm" : provider}`,
    allocate: allocateTensor,
    open: async (graph, options = {}) => {
      try {
        const ort = await builds[provider]();
        // Threads are the page's: what the first session says holds for all.
        if (options.threads !== undefined) ort.env.wasm.numThreads = options.threads;
        const session = await ort.InferenceSession.create(graph.bytes, settings(provider, graph));
        return new WebSession(ort, session);
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

const builds: Record<Provider, () => Promise<typeof Ort>> = {
  cpu: () => import("onnxruntime-web/wasm"),
  webgpu: () => import("onnxruntime-web/webgpu"),
};

function settings(
  provider: Provider,
  { weights }: RuntimeGraph,
): Ort.InferenceSession.SessionOptions {
  if (typeof weights === "string") {
    throw new TypeError(`a browser has no folder ${weights}; give the files of weights by name`);
  }
  const externalData = Array.from(weights ?? [], ([path, data]) => ({ path, data }));
  return {
    executionProviders: [provider === "cpu" ? "wasm" : provider],
    // The shapes change at every step: a plan kept for each of them would grow without end.
    enableMemPattern: false,
    logSeverityLevel: 3, // on WebGPU each session warns that shapes are computed on the CPU
    ...(externalData.length > 0 && { externalData }),
  };
}

class WebSession implements Session {
  readonly #ort: typeof Ort;
  readonly #session: Ort.InferenceSession;
  readonly #feeds: Record<string, Ort.Tensor> = {};

  constructor(ort: typeof Ort, session: Ort.InferenceSession) {
    this.#ort = ort;
    this.#session = session;
  }

  bind(input: string, { type, data, dims }: Tensor): void {
    this.#feeds[input] = new this.#ort.Tensor(type, data, dims);
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
