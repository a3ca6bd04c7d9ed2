import { createHash, randomInt, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { PostgradError } from "@postgrad/schema";

import type { ChatTemplate } from "../chat/chat-template.ts";
import { chatModel } from "../chat/chat-turn.ts";
import type { Engine } from "../engine.ts";
import { BatchQueue, type Depth, type QueueLimits } from "./batch-queue.ts";
import { chatCompletions } from "./chat-completions.ts";
import { completions } from "./completions.ts";
import type { Reply, ServerContext } from "./context.ts";
import { HttpError, httpError } from "./http-error.ts";
import { jsonBody, sendEvents, sendJson } from "./http.ts";

/** How a server listens and what it lets through. */
export interface ServeOptions extends QueueLimits, Depth {
  /** Default: 127.0.0.1, so that only this machine can ask. */
  readonly host?: string;
  /** Default: 8080; 0 takes a free one. */
  readonly port?: number;
  /** Asked for as `Authorization: Bearer KEY`, but for `/health`; default: none. */
  readonly apiKey?: string;
  /** Name of the model in requests; default: the engine's. */
  readonly modelName?: string;
  /** Default: the checkpoint's own. */
  readonly template?: ChatTemplate;
  /** Bytes of a request's body at most; default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** New tokens of one answer at most; default: the context's length. */
  readonly maxNewTokens?: number;
  /** Hears of failures that are not the caller's; default: nobody. */
  readonly onError?: (error: unknown) => void;
  /** A clock in seconds, ids and seeds of requests that name none; defaults: the system's. */
  readonly now?: () => number;
  readonly newId?: () => string;
  readonly newSeed?: () => number;
}

/** A server that listens. */
export interface Serving extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no more requests and ends when those that are here are answered; after `grace` milliseconds (10,000) they are aborted. */
  close(grace?: number): Promise<void>;
}

/**
 * Serves an engine as the OpenAI API does: `/v1/chat/completions`, `/v1/completions`, `/v1/models`, and `/health`. The
 * engine is not disposed with the server. An engine blocks its thread: give one of `openInWorker`, so that the server answers
 * while tokens are computed.
 *
 * @throws PostgradError `skipdecode/listen` where the address cannot be had, `skipdecode/no-tokenizer`.
 */
export async function serve(engine: Engine, options: ServeOptions = {}): Promise<Serving> {
  const { host = "127.0.0.1", port = 8080, apiKey, onError = () => {} } = options;
  const { maxBodyBytes = 4 * 2 ** 20 } = options;
  const stop = new AbortController();
  const context = contextOf(engine, options);
  const server = createServer((request, response) => {
    // A connection that is kept alive after its answer would hold up the closing.
    response.on("close", () =>
      setImmediate(() => {
        if (!server.listening) server.closeIdleConnections();
      }),
    );
    const signal = AbortSignal.any([stop.signal, closed(response)]);
    const respond = async (): Promise<void> => {
      checkKey(request, apiKey);
      const reply = await route(request, context, maxBodyBytes, signal);
      if ("body" in reply) sendJson(response, 200, reply.body);
      else await sendEvents(response, reply.events, (error) => failed(error, onError).body);
    };
    respond().catch((error: unknown) => {
      const { status, body, headers } = failed(error, onError);
      if (response.headersSent) response.destroy();
      else sendJson(response, status, body, headers);
    });
  });
  const close = async (grace = 10_000): Promise<void> => {
    const done = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    const aborting = setTimeout(() => stop.abort(), grace);
    // What has been aborted still gets an answer; who does not take it is cut off.
    const cutting = setTimeout(() => server.closeAllConnections(), grace + 500);
    await done;
    clearTimeout(aborting);
    clearTimeout(cutting);
  };
  const url = await listen(server, host, port);
  return { url, close, [Symbol.asyncDispose]: () => close(0) };
}

function contextOf(engine: Engine, options: ServeOptions): ServerContext {
  const { template, modelName = engine.name, maxNewTokens = engine.contextLength } = options;
  const { now = () => Math.floor(Date.now() / 1000), newId = randomUUID } = options;
  const { newSeed = () => randomInt(2 ** 47), speedup, exact } = options;
  return {
    model: chatModel(engine, template),
    modelName,
    queue: new BatchQueue(engine, options),
    depth: { ...(speedup !== undefined && { speedup }), ...(exact !== undefined && { exact }) },
    maxNewTokens,
    now,
    newId,
    newSeed,
  };
}

type Server = ReturnType<typeof createServer>;

async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const why = `cannot listen on ${host}:${port}: ${cause.message}; choose another port`;
      reject(new PostgradError("skipdecode/listen", why, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const { address, family, port: taken } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${taken}`;
}

/** Aborted when the one who asked has gone. */
function closed(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.on("close", () => controller.abort());
  return controller.signal;
}

function checkKey(request: IncomingMessage, key: string | undefined): void {
  if (key === undefined || request.url === "/health") return;
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const given = request.headers.authorization ?? "";
  // Digests are of one length: the time to compare them tells nothing about the key.
  if (timingSafeEqual(digest(given), digest(`Bearer ${key}`))) return;
  throw new HttpError(
    401,
    "invalid_api_key",
    "the API key is missing or wrong; send Authorization: Bearer KEY",
  );
}

async function route(
  request: IncomingMessage,
  context: ServerContext,
  maxBodyBytes: number,
  signal: AbortSignal,
): Promise<Reply> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const { modelName, queue } = context;
  const model = { id: modelName, object: "model", created: 0, owned_by: "local" };
  const readers: Readonly<Record<string, () => object>> = {
    "/health": () => ({ status: "ok", waiting: queue.waiting }),
    "/v1/models": () => ({ object: "list", data: [model] }),
    [`/v1/models/${encodeURIComponent(modelName)}`]: () => model,
  };
  const writers = { "/v1/chat/completions": chatCompletions, "/v1/completions": completions };
  const read = readers[path];
  const write = Object.hasOwn(writers, path) ? writers[path as keyof typeof writers] : undefined;
  if (!read && !write) {
    throw new HttpError(
      404,
      "not_found",
      `there is nothing at ${path}; there is ${[...Object.keys(readers), ...Object.keys(writers)].join(", ")}`,
    );
  }
  const method = read ? "GET" : "POST";
  if (request.method !== method) {
    throw new HttpError(
      405,
      "method_not_allowed",
      `${path} takes ${method}, not ${request.method}`,
      {
        headers: { allow: method },
      },
    );
  }
  if (read) return { body: read() };
  return write!(await jsonBody(request, maxBodyBytes), context, signal);
}

function failed(error: unknown, onError: (error: unknown) => void): HttpError {
  const answer = httpError(error);
  if (answer.status >= 500) onError(error);
  return answer;
}
