import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { type BatchDesk, batchDesk } from "./batch-desk.ts";

/** How a call goes wrong. */
export type Fault =
  /** An error status, e.g. 429 or 500, with a Retry-After header of that value where given. */
  | {
      readonly status: number;
      readonly retryAfter?: string | undefined;
      readonly message?: string | undefined;
    }
  /** No answer ever. */
  | "hang"
  /** The connection is reset before a word is said. */
  | "reset"
  /** The connection breaks in the middle of the answer. */
  | "cut"
  /** A whole HTTP answer whose body is half a JSON text. */
  | "truncated-body"
  /** The model's JSON ends in the middle. */
  | "truncated-json"
  /** The model's JSON stands in a code fence. */
  | "fenced"
  /** JSON, of another schema. */
  | "wrong-schema"
  /** An answer without text. */
  | "empty"
  /** The whole answer twice on the connection. */
  | "duplicate";

/** One call as the server got it. */
export interface ServedCall {
  /** Text of the first user message. */
  readonly question: string;
  /** How many calls with this question came before. */
  readonly earlier: number;
  readonly body: ChatRequest;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What is read of a chat request. */
export interface ChatRequest {
  readonly model?: string;
  readonly messages: readonly {
    readonly role: string;
    readonly content: string | readonly { readonly text?: string }[];
  }[];
}

/** Decides what goes wrong with a call; `undefined` is nothing. */
export type FaultScript = (call: ServedCall) => Fault | undefined;

/** What the server answers and how it misbehaves. */
export interface FaultyServerOptions {
  /** What the model says to a question: an object becomes JSON, a string is the text as it is. */
  readonly answer: (question: string, body: ChatRequest) => unknown;
  readonly script?: FaultScript;
  /** Called when a request has been worked off, before its answer is sent: `POST /v1/batches`. */
  readonly onRequest?: ((request: string) => void) | undefined;
  /** How often a batch is polled before it is completed. Default 1. */
  readonly batchPolls?: number;
}

/** An OpenAI-compatible server on loopback that misbehaves on a script. */
export interface FaultyServer extends AsyncDisposable {
  /** Base address, `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  /** Every chat call, in the order of arrival; batch items are not among them. */
  readonly calls: readonly ServedCall[];
  /** Files and batches. */
  readonly batches: BatchDesk;
  close(): Promise<void>;
}

/** Starts the server; it answers `/v1/chat/completions`, `/v1/files` and `/v1/batches`. */
export async function faultyServer({
  answer,
  script = () => undefined,
  onRequest,
  batchPolls = 1,
}: FaultyServerOptions): Promise<FaultyServer> {
  const calls: ServedCall[] = [];
  const seen = new Map<string, number>();
  const serve = (
    body: ChatRequest,
    headers: ServedCall["headers"],
  ): [ServedCall, Fault | undefined] => {
    const question = questionIn(body);
    const earlier = seen.get(question) ?? 0;
    seen.set(question, earlier + 1);
    const call = { question, earlier, body, headers };
    return [call, script(call)];
  };
  const batches = batchDesk({ polls: batchPolls, onRequest }, (body) => {
    const [{ question }, fault] = serve(body, {});
    return typeof fault === "object"
      ? { status: fault.status, body: { error: { message: fault.message ?? "scripted" } } }
      : { status: 200, body: completion(faultyText(answer(question, body), fault)) };
  });
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void (async () => {
      const bytes = await bytesOf(request);
      if (request.url?.startsWith("/v1/chat/completions")) {
        const [call, fault] = serve(JSON.parse(bytes.toString()) as ChatRequest, request.headers);
        calls.push(call);
        onRequest?.("POST /v1/chat/completions");
        respond(response, fault, () => answer(call.question, call.body));
      } else await batches.handle(request, bytes, response);
    })().catch((error: unknown) => response.destroy(error as Error));
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    batches,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function respond(response: ServerResponse, fault: Fault | undefined, answer: () => unknown): void {
  if (fault === "hang") return;
  if (fault === "reset") {
    response.socket?.resetAndDestroy();
    return;
  }
  if (typeof fault === "object") {
    const { status, retryAfter, message = "scripted" } = fault;
    send(response, status, JSON.stringify({ error: { message } }), retryAfter);
    return;
  }
  const text = JSON.stringify(completion(faultyText(answer(), fault)));
  const half = text.slice(0, text.length / 2);
  if (fault === "truncated-body") send(response, 200, half);
  else if (fault === "cut") {
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    });
    response.write(half, () => response.destroy());
  } else {
    const { socket } = response;
    send(response, 200, text);
    if (fault === "duplicate")
      socket?.write(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      );
  }
}

function send(response: ServerResponse, status: number, text: string, retryAfter?: string): void {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  response.writeHead(status, retryAfter ? { ...headers, "retry-after": retryAfter } : headers);
  response.end(text);
}

/** What the model says, as the fault bends it. */
function faultyText(answer: unknown, fault: Fault | undefined): string {
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  if (fault === "truncated-json") return text.slice(0, text.length / 2);
  if (fault === "fenced") return `Here it is:\n\`\`\`json\n${text}\n\`\`\``;
  if (fault === "wrong-schema") return '{"unexpected": true}';
  return fault === "empty" ? "" : text;
}

/** A chat completion, with token counts that are made up from the text's length. */
function completion(content: string): unknown {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 0,
    model: "faulty",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  };
}

function questionIn({ messages }: ChatRequest): string {
  const content = messages.find(({ role }) => role === "user")?.content ?? "";
  return typeof content === "string" ? content : content.map(({ text }) => text ?? "").join("");
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
