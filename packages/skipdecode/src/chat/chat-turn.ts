import { type Message, PostgradError } from "@postgrad/schema";

import type { JsonConstraint, JsonConstraints } from "../constraint/json-constraint.ts";
import { jsonConstraints } from "../constraint/json-constraint.ts";
import type { JsonSchema } from "../constraint/place.ts";
import type { TokenBytes } from "../constraint/vocabulary.ts";
import type { Engine, TextCodec } from "../engine.ts";
import type { ChatTemplate, ChatTool } from "./chat-template.ts";

/** What a chat asks of the model, apart from how tokens are chosen. */
export interface ChatRequest {
  readonly messages: readonly Message[];
  /** Tools on offer; default: none. */
  readonly tools?: readonly ChatTool[];
  /** `auto` (the default) leaves the choice to the model, `required` and a name make it call, `none` hides the tools. */
  readonly toolChoice?: "auto" | "none" | "required" | { readonly name: string };
  /** The answer is JSON that this schema allows. */
  readonly schema?: JsonSchema;
}

/** A chat as the engine takes it. */
export interface ChatTurn {
  readonly prompt: readonly number[];
  readonly constraint?: JsonConstraint;
  /** Names of the tools that the answer may call. */
  readonly callable: readonly string[];
}

/** An engine with what a face adds to it. */
export interface ChatModel {
  readonly engine: Engine;
  readonly tokenizer: TextCodec;
  /** Absent where neither the checkpoint nor the caller has one. */
  readonly template: ChatTemplate | undefined;
  readonly constraints: JsonConstraints;
  /** The bytes of each token; undefined where the tokenizer does not tell them. */
  readonly tokenBytes: () => TokenBytes | undefined;
}

/** @throws PostgradError `skipdecode/no-tokenizer` for an engine that has none. */
export function chatModel(engine: Engine, template?: ChatTemplate): ChatModel {
  const { tokenizer, endTokens } = engine;
  if (!tokenizer) {
    throw new PostgradError(
      "skipdecode/no-tokenizer",
      `the model "${engine.name}" has no tokenizer; put tokenizer.json into its folder, or give token ids to the engine`,
    );
  }
  let bytes: TokenBytes | undefined;
  const tokenBytes = (): TokenBytes | undefined => (bytes ??= tokenizer.tokenBytes?.());
  const constraints = jsonConstraints({ tokenBytes, endTokens });
  return { engine, tokenizer, template: template ?? tokenizer.chat, constraints, tokenBytes };
}

/**
 * The prompt and the constraint of a chat.
 *
 * @throws PostgradError `skipdecode/no-chat-template`, `skipdecode/tools` for a forced tool that is not on offer,
 * `skipdecode/schema` for what constrained output does not support.
 */
export function chatTurn(model: ChatModel, request: ChatRequest): ChatTurn {
  const { template, tokenizer, constraints } = model;
  const { messages, tools = [], toolChoice = "auto", schema } = request;
  if (!template) {
    throw new PostgradError(
      "skipdecode/no-chat-template",
      `the model "${model.engine.name}" has no chat template; give it one, or complete plain text instead`,
    );
  }
  const offered = toolChoice === "none" ? [] : tools;
  const forced =
    offered.length > 0 && toolChoice !== "auto" ? callSchema(offered, toolChoice) : undefined;
  const limit = forced ?? schema;
  return {
    prompt: tokenizer.encode(template.render(messages, offered.length > 0 ? offered : undefined)),
    callable: offered.map((tool) => tool.function.name),
    ...(limit !== undefined && { constraint: constraints(limit) }),
  };
}

/** One call of one of the tools, in the notation that all templates' parsers share. */
function callSchema(tools: readonly ChatTool[], choice: ChatRequest["toolChoice"]): JsonSchema {
  const named = typeof choice === "object" ? choice.name : undefined;
  const allowed = tools.filter((tool) => named === undefined || tool.function.name === named);
  if (allowed.length === 0) {
    throw new PostgradError(
      "skipdecode/tools",
      `the tool "${named}" is to be called but not on offer; there are ${tools.map((tool) => `"${tool.function.name}"`).join(", ")}`,
    );
  }
  const calls = allowed.map(({ function: { name, parameters } }) => ({
    type: "object",
    properties: { name: { const: name }, arguments: withinItself(parameters) },
    required: ["name", "arguments"],
    additionalProperties: false,
  }));
  return { anyOf: calls };
}

/** References of a schema count from its own root, which lies deeper now; only closed schemas can be moved. */
function withinItself(schema: JsonSchema): JsonSchema {
  if (!JSON.stringify(schema).includes('"$ref":')) return schema;
  throw new PostgradError(
    "skipdecode/schema",
    "a tool that must be called cannot have $ref in its parameters; write the parts out",
  );
}
