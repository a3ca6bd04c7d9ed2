import { type Static, Type } from "typebox";

import { type RawRow, defineRecord } from "../record-kind.ts";
import { Meta } from "./lineage.ts";
import { Messages } from "./message.ts";

/** What every training row that is a conversation has. */
export const conversationFields = {
  id: Type.Optional(Type.String()),
  messages: Messages,
  tools: Type.Optional(
    Type.Array(Type.Unknown(), { description: "JSON Schemas of the tools on offer" }),
  ),
  meta: Meta,
};

/** A training conversation: TRL's conversational language-modelling format plus `meta`. */
export const exampleRecord = defineRecord({
  tag: "example/1",
  title: "A training conversation",
  fields: conversationFields,
  identity: ["messages", "tools"],
  upgrades: [conversationOf],
});
export const Example = exampleRecord.schema;
export type Example = Static<typeof Example>;

/**
 * Rows of other tools as conversations: `messages` (a list, or its JSON as text, as in orca-agentinstruct-1M), `conversations`
 * (ShareGPT), `prompt` and `completion` (TRL), `instruction`, `input` and `output` (Alpaca). What is none of these comes
 * back as it is and fails validation with the field's name.
 */
export function conversationOf(row: RawRow): RawRow {
  const { messages, conversations, prompt, completion, instruction, input, output, ...rest } = row;
  const meta = rest["meta"] ?? {};
  if (messages !== undefined) return { ...rest, messages: parsed(messages), meta };
  if (Array.isArray(conversations))
    return { ...rest, messages: conversations.map(fromShareGpt), meta };
  if (prompt !== undefined && completion !== undefined) {
    return {
      ...rest,
      messages: [...turns(prompt, "user"), ...turns(completion, "assistant")],
      meta,
    };
  }
  if (typeof instruction === "string" && typeof output === "string") {
    const question =
      typeof input === "string" && input !== "" ? `${instruction}\n\n${input}` : instruction;
    return { ...rest, messages: [...turns(question, "user"), ...turns(output, "assistant")], meta };
  }
  return { ...row, meta };
}

/** One side of a row as turns: a list of messages stays, a text becomes one turn of `role`. */
export function turns(side: unknown, role: "user" | "assistant"): unknown[] {
  return Array.isArray(side) ? side : [{ role, content: side }];
}

function parsed(messages: unknown): unknown {
  if (typeof messages !== "string") return messages;
  try {
    return JSON.parse(messages);
  } catch {
    return messages; // validation will show the text that was found instead of a list
  }
}

const shareGptRoles: Record<string, string> = {
  human: "user",
  gpt: "assistant",
  system: "system",
  tool: "tool",
};

function fromShareGpt(turn: unknown): unknown {
  const { from, value } = (turn ?? {}) as { from?: string; value?: unknown };
  return from === undefined ? turn : { role: shareGptRoles[from] ?? from, content: value };
}
