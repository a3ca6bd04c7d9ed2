import { PostgradError } from "@postgrad/schema";

/** An answer other than 200, as the OpenAI clients read it. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;
  /** The field of the request that is to blame. */
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    options: ErrorOptions & { param?: string; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.param = options.param ?? null;
    this.headers = options.headers ?? {};
  }

  /** The body: OpenAI's error object. */
  get body(): object {
    const { message, status, code, param } = this;
    const type =
      status === 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error";
    return { error: { message, type, param, code } };
  }
}

/** Whatever was thrown as an answer: the caller's mistakes are 400, a full queue 429, the rest 500. */
export function httpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const { message } = error as Error;
  if (!(error instanceof PostgradError)) {
    return new HttpError(500, "internal_error", "the server failed; its log says why", {
      cause: error,
    });
  }
  if (error.code === "skipdecode/busy") {
    const headers = { "retry-after": "1" };
    return new HttpError(429, "rate_limit_exceeded", message, { cause: error, headers });
  }
  const isContext = message.includes("model's context");
  const code = isContext ? "context_length_exceeded" : error.code;
  return new HttpError(error.fault === "user" ? 400 : 500, code, message, { cause: error });
}
