import { PostgradError } from "@postgrad/schema";

import { callOptions } from "./call.ts";
import type { Question } from "./question.ts";
import type { Transport } from "./registry.ts";
import { type Reply, replyOf } from "./reply.ts";
import type { OpenTeacher } from "./teacher.ts";

/** A request as the provider's package would send it now. */
export interface CapturedRequest {
  /** `https://api.openai.com/v1`. */
  readonly base: string;
  /** What a batch calls it: `/v1/chat/completions` or `/v1/responses`. */
  readonly endpoint: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Writes questions as requests, without sending them: the provider's package writes to a `fetch` that only looks. */
export function requestWriter(
  teacher: OpenTeacher,
): (question: Question) => Promise<CapturedRequest> {
  const seen: { url: string; init: RequestInit }[] = [];
  const model = transportOf(teacher).modelOver((url, init) => {
    seen.push({ url: url instanceof Request ? url.url : String(url), init: init! });
    return Promise.reject(new Error("written, not sent"));
  });
  const writer = { ...teacher, model } as OpenTeacher;
  return async (question) => {
    const options = callOptions(writer, question);
    const error: unknown = await writer.model.doGenerate(options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const request = seen.pop();
    if (!request) throw error; // it went wrong before there was a request
    const { url, init } = request;
    const [, base, what] = /^(.*)\/(chat\/completions|responses)$/.exec(url) ?? [];
    if (!base || !what) throw noBatch(teacher);
    const headers = new Headers(init.headers);
    return { base, endpoint: `/v1/${what}`, headers, body: JSON.parse(init.body as string) };
  };
}

/** Reads the bodies of answers as the provider's package does: it is handed each as if it had just come. */
export function replyReader(
  teacher: OpenTeacher,
): (question: Question, body: unknown) => Promise<Reply> {
  let body: unknown;
  const model = transportOf(teacher).modelOver(() => Promise.resolve(Response.json(body)));
  const reader = { ...teacher, model } as OpenTeacher;
  return async (question, received) => {
    body = received;
    return replyOf(await reader.model.doGenerate(callOptions(reader, question)));
  };
}

/**
 * How the teacher's provider is reached.
 *
 * @throws PostgradError `teacher/no-batch` where it has no batches.
 */
export function transportOf(teacher: OpenTeacher): Transport {
  if (!teacher.transport) throw noBatch(teacher);
  return teacher.transport;
}

function noBatch({ id }: OpenTeacher): PostgradError {
  return new PostgradError(
    "teacher/no-batch",
    `${id} cannot be asked in batches; OpenAI's batches are spoken with openai: and compatible: teachers`,
  );
}
