import type { IncomingMessage, ServerResponse } from "node:http";

import type { ChatRequest } from "./faulty-server.ts";

/** A batch as OpenAI's API shows it. */
export interface ServedBatch {
  readonly id: string;
  status: "in_progress" | "completed" | "failed" | "expired" | "cancelled";
  readonly endpoint: string;
  readonly input_file_id: string;
  output_file_id?: string;
  error_file_id?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The part of the server that keeps files and works off batches. */
export interface BatchDesk {
  readonly files: ReadonlyMap<string, string>;
  readonly batches: readonly ServedBatch[];
  /** Changes the lines of output files before they are served, e.g. to repeat one. */
  rewrite: (lines: string[]) => string[];
  handle(request: IncomingMessage, bytes: Buffer, response: ServerResponse): Promise<void>;
}

/** Answers one line of a batch. */
type AnswerLine = (body: ChatRequest) => { readonly status: number; readonly body: unknown };

interface RequestLine {
  readonly custom_id: string;
  readonly body: ChatRequest;
}

/** A desk whose batches are completed when they have been looked at `polls` times. */
export function batchDesk(
  { polls, onRequest }: { polls: number; onRequest?: ((request: string) => void) | undefined },
  answer: AnswerLine,
): BatchDesk {
  const files = new Map<string, string>();
  const batches: (ServedBatch & { looks: number })[] = [];

  const complete = (batch: ServedBatch): void => {
    const output: string[] = [];
    const errors: string[] = [];
    for (const line of files.get(batch.input_file_id)!.split("\n").filter(Boolean)) {
      const { custom_id, body } = JSON.parse(line) as RequestLine;
      const { status, body: reply } = answer(body);
      const result = {
        id: `r-${custom_id}`,
        custom_id,
        response: { status_code: status, body: reply },
      };
      (status === 200 ? output : errors).push(JSON.stringify({ ...result, error: null }));
    }
    batch.status = "completed";
    batch.output_file_id = add(desk.rewrite(output));
    if (errors.length > 0) batch.error_file_id = add(errors);
  };
  const add = (lines: readonly string[]): string => {
    const id = `file-${files.size + 1}`;
    files.set(id, lines.map((line) => `${line}\n`).join(""));
    return id;
  };
  const look = (batch: (typeof batches)[number]): ServedBatch => {
    if (batch.status === "in_progress" && batch.looks++ >= polls) complete(batch);
    return batch;
  };

  const route = async (request: IncomingMessage, bytes: Buffer): Promise<unknown> => {
    const path = new URL(request.url!, "http://localhost").pathname.replace("/v1", "");
    const [, what = "", id = "", action = ""] = path.split("/");
    const wanted = `${request.method} /${what}${id && "/:id"}${action && `/${action}`}`;
    const batch = batches.find((one) => one.id === id);
    switch (wanted) {
      case "POST /files":
        return { id: add((await uploaded(request, bytes)).split("\n").filter(Boolean)) };
      case "GET /files/:id/content":
        return files.get(id);
      case "POST /batches": {
        const { input_file_id, endpoint, metadata } = JSON.parse(bytes.toString()) as ServedBatch;
        const made = {
          id: `batch-${batches.length + 1}`,
          input_file_id,
          endpoint,
          metadata,
          looks: 0,
        };
        batches.push({ ...made, status: "in_progress" });
        return batches.at(-1);
      }
      case "GET /batches":
        return { data: batches.toReversed(), has_more: false };
      case "GET /batches/:id":
        return batch && look(batch);
      case "POST /batches/:id/cancel":
        if (batch) batch.status = "cancelled";
        return batch;
      default:
        return undefined;
    }
  };

  const desk: BatchDesk = {
    files,
    batches,
    rewrite: (lines) => lines,
    handle: async (request, bytes, response) => {
      const answered = await route(request, bytes);
      onRequest?.(`${request.method} ${request.url}`);
      const text = typeof answered === "string" ? answered : JSON.stringify(answered ?? {});
      response.writeHead(answered === undefined ? 404 : 200, {
        "content-type": "application/json",
      });
      response.end(text);
    },
  };
  return desk;
}

async function uploaded(request: IncomingMessage, bytes: Buffer): Promise<string> {
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  const form = await new Response(new Uint8Array(bytes), { headers }).formData();
  const file = form.get("file");
  return typeof file === "string" || file === null ? "" : file.text();
}
