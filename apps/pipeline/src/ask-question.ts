import { idOf } from "@postgrad/dataset";
import {
  type AgentCall,
  type Example,
  type Message,
  Messages,
  PostgradError,
  type RawRow,
  records,
  parseRecord,
} from "@postgrad/schema";
import { type Agent, defineAgent, Parameters } from "@postgrad/teacher";
import { type TObject, Type } from "typebox";

const Question = Type.Object({ messages: Messages });

/** The agent behind `postgrad ask`: it passes a conversation on, and answers in text or as `schema` says. */
export function askAgent(
  schema: TObject | undefined,
  parameters: Parameters,
): Agent<typeof Question, TObject | Type.TString> {
  return defineAgent({
    id: "cli/ask",
    input: Question,
    output: schema ?? Type.String(),
    parameters,
    prompt: ({ messages }) => messages,
  });
}

/** What is asked about a row: the template with the row's fields, or the row's own conversation without its last answer. */
export function questionOf(row: RawRow, template: string | undefined): { messages: Message[] } {
  if (template !== undefined) return { messages: [{ role: "user", content: fill(template, row) }] };
  const { prompt } = row;
  const { messages } = parseRecord(
    records.example,
    prompt === undefined ? row : { messages: turnsOf(prompt), meta: {} },
  );
  const last = messages.findLastIndex(({ role }) => role === "user" || role === "tool");
  return { messages: messages.slice(0, last + 1) };
}

/** The answered conversation, with the row it was asked about and the call as its lineage. */
export function answeredRow(
  row: RawRow,
  messages: readonly Message[],
  value: unknown,
  lineage: AgentCall,
): Example {
  const content = typeof value === "string" ? value : JSON.stringify(value);
  return {
    schema: "example/1",
    messages: [...messages, { role: "assistant", content }],
    meta: { lineage: { parents: [idOf(row)], calls: [lineage] } },
  };
}

function turnsOf(prompt: unknown): unknown {
  return typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
}

function fill(template: string, row: RawRow): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, field: string) => {
    const value = row[field];
    if (value === undefined) {
      throw new PostgradError(
        "cli/template",
        `the template names {${field}}, but the row has only ${Object.keys(row).join(", ")}`,
      );
    }
    return typeof value === "string" ? value : JSON.stringify(value);
  });
}
