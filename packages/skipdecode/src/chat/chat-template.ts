import type { Message } from "@postgrad/schema";

import type { JsonSchema } from "../constraint/place.ts";

/** A tool as chat templates read it (the OpenAI format). */
export interface ChatTool {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description?: string;
    /** JSON Schema of the arguments. */
    readonly parameters: JsonSchema;
  };
}

/** Writes a conversation as the checkpoint was trained to read it. */
export interface ChatTemplate {
  /** Whether the template writes the tools that it is given. */
  readonly takesTools: boolean;
  /** The text up to where the assistant's next turn begins, special tokens written out. */
  render(messages: readonly Message[], tools?: readonly ChatTool[]): string;
}
