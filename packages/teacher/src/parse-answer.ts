import { issueOf } from "@postgrad/schema";

import { type Agent, isFreeText } from "./agent.ts";
import { extractJson, withoutThoughts } from "./extract-json.ts";
import type { Reply } from "./reply.ts";

/** The answer as the agent's output schema types it, or what is wrong with it in words that the model can act on. */
export type Parsed = { readonly value: unknown } | { readonly issue: string };

/** Reads a model's answer against the agent's output schema. */
export function parseAnswer(agent: Agent, { text, finish }: Reply): Parsed {
  const value = isFreeText(agent) ? withoutThoughts(text).trim() : extractJson(text);
  if (value === undefined)
    return {
      issue:
        finish === "length"
          ? "it was cut off before its end; be shorter"
          : "it holds no complete JSON object",
    };
  if (finish === "length" && isFreeText(agent))
    return { issue: "it was cut off before its end; be shorter" };
  const found = issueOf(agent.output, value);
  return found ? { issue: `${found.path || "the answer"}: ${found.message}` } : { value };
}
