import { jsonConstraints } from "../constraint/json-constraint.ts";
import type { TokenBytes } from "../constraint/vocabulary.ts";
import type { Engine } from "../engine.ts";
import type { GenerateRequest } from "../generate.ts";
import {
  type Order,
  receivedRequest,
  type Report,
  sentError,
  type SentRequest,
} from "./protocol.ts";

/** Runs an engine by order: the worker's side of `openInWorker`. Gives what takes the orders. */
export function engineHost(
  engine: Engine,
  report: (report: Report) => void,
): (order: Order) => void {
  const running = new Map<number, Aborts>();
  const request = requestReader(engine);

  const run = async (id: number, work: (aborts: Aborts) => Promise<unknown>): Promise<void> => {
    const aborts = new Aborts();
    running.set(id, aborts);
    try {
      report({ type: "end", id, value: await work(aborts) });
    } catch (error) {
      report({ type: "error", id, error: sentError(error) });
    } finally {
      running.delete(id);
    }
  };
  return (order) => {
    const { id } = order;
    if (order.type === "abort") running.get(id)?.of(order.row).abort();
    else if (order.type === "score") {
      void run(id, (aborts) =>
        engine.score(order.rows, { ...order.options, signal: aborts.of().signal }),
      );
    } else if (order.type === "influence") void run(id, () => engine.influence(order.prompts));
    else if (order.type === "dispose") void run(id, () => engine.dispose());
    else {
      void run(id, async (aborts) => {
        for await (const event of engine.generate(request(order.request, aborts))) {
          report({ type: "event", id, event });
        }
      });
    }
  };
}

/** The signals of one call: one for each row, and one for all of them. */
class Aborts {
  readonly #controllers = new Map<number | undefined, AbortController>();

  of(row?: number): AbortController {
    const controller = this.#controllers.get(row) ?? new AbortController();
    this.#controllers.set(row, controller);
    return controller;
  }
}

function requestReader(engine: Engine): (sent: SentRequest, aborts: Aborts) => GenerateRequest {
  const { tokenizer, endTokens } = engine;
  const tokenBytes = (): TokenBytes | undefined => tokenizer?.tokenBytes?.();
  const constraints = jsonConstraints({ tokenBytes, endTokens });
  return (sent, aborts) => ({
    ...receivedRequest(sent, (row, index, schema) => ({
      ...row,
      signal: aborts.of(index).signal,
      ...(schema !== undefined && { constraint: constraints(schema) }),
    })),
    signal: aborts.of().signal,
  });
}
