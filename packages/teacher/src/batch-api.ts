import { APICallError } from "@ai-sdk/provider";

import type { Agent } from "./agent.ts";
import { retrying } from "./attempt.ts";
import type { CapturedRequest } from "./batch-requests.ts";
import { transportOf } from "./batch-requests.ts";
import { failureOf } from "./failure.ts";
import type { OpenTeacher } from "./teacher.ts";

/** What is read of a batch as OpenAI's API shows it. */
export interface RemoteBatch {
  readonly id: string;
  readonly status: string;
  readonly output_file_id?: string | null;
  readonly error_file_id?: string | null;
  readonly metadata?: Readonly<Record<string, string>> | null;
  readonly errors?: { readonly data?: readonly { readonly message?: string }[] } | null;
}

/** OpenAI's Files and Batches. */
export interface BatchApi {
  /** Uploads the lines of a batch and returns the file's id. */
  upload(name: string, lines: string): Promise<string>;
  download(file: string): Promise<string>;
  /** Starts a batch, unless one with this mark has been started already; a lost reply is no reason to pay twice. */
  start(file: string, endpoint: string, mark: string): Promise<RemoteBatch>;
  /** The batch with this mark, if it was started. */
  find(mark: string): Promise<RemoteBatch | undefined>;
  look(id: string): Promise<RemoteBatch>;
  cancel(id: string): Promise<RemoteBatch>;
}

/** The name under which our id stands in a batch's metadata. */
const markName = "postgrad";

/** The API beside the one that `request` goes to, with its headers. Calls are retried like any other. */
export function batchApi(
  teacher: OpenTeacher,
  agent: Agent,
  { base, headers }: Pick<CapturedRequest, "base" | "headers">,
  signal?: AbortSignal,
): BatchApi {
  const { fetch } = transportOf(teacher);
  const plain = new Headers(headers);
  plain.delete("content-type");

  const once = async (method: string, path: string, body?: FormData | string): Promise<string> => {
    const all = new Headers(plain);
    if (typeof body === "string") all.set("content-type", "application/json");
    const url = `${base}${path}`;
    const options = {
      method,
      headers: all,
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    };
    const response = await fetch(url, options);
    const text = await response.text();
    if (response.ok) return text;
    throw new APICallError({
      message: `${method} ${path}: ${text.slice(0, 300)}`,
      url,
      requestBodyValues: {},
      statusCode: response.status,
      responseHeaders: Object.fromEntries(response.headers),
      responseBody: text,
    });
  };
  const retried = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    const { value } = await retrying(teacher, agent, signal, async () => {
      try {
        return { value: await work() };
      } catch (error) {
        signal?.throwIfAborted();
        const { id: model, redact, clock } = teacher;
        return failureOf(error, { model, agent: agent.id, redact, now: clock.now() });
      }
    });
    return value;
  };
  const json = async <Value>(
    method: string,
    path: string,
    body?: FormData | string,
  ): Promise<Value> => JSON.parse(await once(method, path, body)) as Value;

  const find = async (mark: string): Promise<RemoteBatch | undefined> => {
    for (let after = ""; ;) {
      const page = await json<{ data: RemoteBatch[]; has_more?: boolean }>(
        "GET",
        `/batches?limit=100${after}`,
      );
      const found = page.data.find(({ metadata }) => metadata?.[markName] === mark);
      if (found || !page.has_more || page.data.length === 0) return found;
      after = `&after=${page.data.at(-1)!.id}`;
    }
  };
  return {
    upload: async (name, lines) => {
      const form = (): FormData => {
        const data = new FormData();
        data.set("purpose", "batch");
        data.set("file", new Blob([lines], { type: "application/jsonl" }), name);
        return data;
      };
      return (await retried(() => json<{ id: string }>("POST", "/files", form()))).id;
    },
    download: (file) => retried(() => once("GET", `/files/${file}/content`)),
    start: (file, endpoint, mark) =>
      retried(async () => {
        const body = {
          input_file_id: file,
          endpoint,
          completion_window: "24h",
          metadata: { [markName]: mark },
        };
        return (await find(mark)) ?? json<RemoteBatch>("POST", "/batches", JSON.stringify(body));
      }),
    find: (mark) => retried(() => find(mark)),
    look: (id) => retried(() => json<RemoteBatch>("GET", `/batches/${id}`)),
    cancel: (id) => retried(() => json<RemoteBatch>("POST", `/batches/${id}/cancel`)),
  };
}
