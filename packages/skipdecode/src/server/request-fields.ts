import { issueOf } from "@postgrad/schema";
import { type Static, type TSchema, Type } from "typebox";

import type { GenerateRow } from "../generate.ts";
import type { Depth } from "./batch-queue.ts";
import { HttpError } from "./http-error.ts";

/** Fields that chat and plain completions share. */
export const sharedFields = {
  model: Type.String(),
  max_tokens: Type.Optional(Type.Integer({ minimum: 0 })),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
  n: Type.Optional(Type.Integer({ minimum: 1 })),
  stream: Type.Optional(Type.Boolean()),
  stream_options: Type.Optional(Type.Object({ include_usage: Type.Optional(Type.Boolean()) })),
  stop: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })])),
  seed: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  presence_penalty: Type.Optional(Type.Literal(0, { description: "not supported" })),
  frequency_penalty: Type.Optional(Type.Literal(0, { description: "not supported" })),
  // Beyond OpenAI's: the names that other servers use, and the depth.
  top_k: Type.Optional(Type.Integer({ minimum: 0 })),
  min_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  repetition_penalty: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  ignore_eos: Type.Optional(Type.Boolean()),
  speedup: Type.Optional(Type.Number({ minimum: 1 })),
  exact: Type.Optional(Type.Boolean()),
  // Says nothing about the answer.
  user: Type.Optional(Type.String()),
};

const Shared = Type.Object(sharedFields);
export type SharedFields = Static<typeof Shared>;

/** Reads a body; null counts as left out, as in OpenAI's own interface. @throws HttpError 400 that names the field. */
export function parsed<Schema extends TSchema>(schema: Schema, body: unknown): Static<Schema> {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  const given = isObject
    ? Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
    : body;
  const issue = issueOf(schema, given);
  if (!issue) return given as Static<Schema>;
  const param = issue.path.slice(1).replaceAll("/", ".");
  const where = param === "" ? "" : `${param}: `;
  throw new HttpError(400, "invalid_value", `${where}${issue.message}`, { param });
}

/** How the tokens of a request are chosen. Without a seed each request gets one of its own. */
export function samplingOf(
  fields: SharedFields,
  seed: () => number,
): Omit<GenerateRow, "prompt" | "maxNewTokens" | "seed"> & { readonly seed: number } {
  const { temperature = 1, top_p: topP, top_k: topK, min_p: minP, stop } = fields;
  const { repetition_penalty: repetitionPenalty, ignore_eos: ignoreEos } = fields;
  return {
    temperature,
    seed: fields.seed ?? seed(),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
    ...(minP !== undefined && { minP }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
    ...(ignoreEos !== undefined && { ignoreEos }),
    ...(stop !== undefined && { stop: [stop].flat() }),
  };
}

/** The depth that a request asks for, else the server's. */
export function depthOf({ speedup, exact }: SharedFields, defaults: Depth): Depth {
  return {
    ...defaults,
    ...(speedup !== undefined && { speedup }),
    ...(exact !== undefined && { exact }),
  };
}
