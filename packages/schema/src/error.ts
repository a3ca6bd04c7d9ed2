/** What `PostgradError` takes beside its message. */
export interface PostgradErrorOptions extends ErrorOptions {
  /** Who can mend it: `user` (wrong input, wrong option; exit code 2, the default) or `system` (a failure; exit code 1). */
  readonly fault?: "user" | "system";
}

/**
 * Every error that Postgrad throws on purpose. `code` reads `package/what` and is for programs, `message` is for people:
 * it names the value, the place and the remedy.
 */
export class PostgradError extends Error {
  override readonly name = "PostgradError";
  readonly code: string;
  readonly fault: "user" | "system";

  constructor(code: string, message: string, options: PostgradErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.fault = options.fault ?? "user";
  }
}
