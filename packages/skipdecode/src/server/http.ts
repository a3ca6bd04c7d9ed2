import type { IncomingMessage, ServerResponse } from "node:http";

import { HttpError } from "./http-error.ts";

/** Reads a JSON body. @throws HttpError 413, 415 or 400. */
export async function jsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  // Also keeps web pages out: without permission a browser sends no JSON to another origin.
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
    throw new HttpError(
      415,
      "unsupported_media_type",
      "the body must be JSON; set content-type: application/json",
    );
  }
  const tooLarge = new HttpError(
    413,
    "body_too_large",
    `the body is larger than ${maxBytes} bytes`,
    {
      headers: { connection: "close" },
    },
  );
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge;
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > maxBytes) throw tooLarge;
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch (cause) {
    const { message } = cause as Error;
    throw new HttpError(400, "invalid_json", `the body is no JSON: ${message}`, { cause });
  }
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Sends each object as a server-sent event, waiting where the reader is slow; then the end mark of OpenAI. */
export async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<object>,
  failed: (error: unknown) => object,
): Promise<void> {
  const write = async (data: string): Promise<void> => {
    if (response.write(`data: ${data}\n\n`) || response.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off("drain", done).off("close", done);
        resolve();
      };
      response.on("drain", done).on("close", done);
    });
  };
  const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  try {
    for await (const event of events) {
      // The head goes out with the first event: what is refused before it still gets its own status.
      if (!response.headersSent) response.writeHead(200, headers);
      await write(JSON.stringify(event));
    }
    await write("[DONE]");
  } catch (error) {
    if (!response.headersSent) throw error;
    await write(JSON.stringify(failed(error)));
  }
  response.end();
}
