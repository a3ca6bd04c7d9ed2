import { hash } from "node:crypto";

import { canonicalJson, is, issueOf, type Message, PostgradError } from "@postgrad/schema";

import { type Agent, isFreeText } from "./agent.ts";
import type { Parameters } from "./parameters.ts";

/** One thing asked of one model: what the ledger keys, what the provider is sent. */
export interface Question {
  /** SHA-256, in hex, of the canonical JSON of model, parameters, messages, schema and sample. */
  readonly key: string;
  readonly agent: Agent;
  readonly input: unknown;
  /** Which of several answers to the same messages, from 0. */
  readonly sample: number;
  readonly messages: readonly Message[];
  /** The agent's, with a limit on the output in any case. */
  readonly parameters: Parameters & { readonly maxOutputTokens: number };
}

/** What a question depends on beside agent and input. */
export interface Asked {
  /** The model's name in the ledger, `provider:model`. */
  readonly model: string;
  /** Sent where the agent sets no limit of its own, so that every call has an upper bound. */
  readonly maxOutputTokens: number;
  readonly sample: number;
}

/**
 * Renders the agent's prompt for `input`.
 *
 * @throws PostgradError `teacher/invalid-input` where `input` is not as the agent's input schema says;
 * `teacher/invalid-agent` where a schema cannot be used, or the prompt has no message.
 */
export function questionOf(agent: Agent, input: unknown, asked: Asked): Question {
  const { model, maxOutputTokens, sample } = asked;
  checkInput(agent, input);
  const messages = rendered(agent, input);
  const parameters = { maxOutputTokens, ...agent.parameters };
  // The canonical JSON of {messages, model, parameters, sample, schema}, put together so that the schema is written once.
  const text =
    `{"messages":${canonicalJson(messages)},"model":${JSON.stringify(model)},` +
    `"parameters":${canonicalJson(parameters)},"sample":${sample},"schema":${agent.outputJson}}`;
  return { key: hash("sha256", text), agent, input, sample, messages, parameters };
}

function checkInput(agent: Agent, input: unknown): void {
  const issue = usable(agent, () => issueOf(agent.input, input));
  if (issue)
    throw new PostgradError(
      "teacher/invalid-input",
      `agent ${agent.id}: input${issue.path}: ${issue.message}`,
    );
}

/** Makes sure, before anything is paid, that an answer can be checked. */
export function checkOutput(agent: Agent): void {
  usable(agent, () => is(agent.output, undefined));
}

function usable<Value>({ id }: Agent, check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    const message = `agent ${id}: a schema cannot be used: ${(error as Error).message}`;
    throw new PostgradError("teacher/invalid-agent", message, { cause: error });
  }
}

function rendered(agent: Agent, input: unknown): readonly Message[] {
  const prompt = agent.prompt(input);
  const turns: readonly Message[] =
    typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
  if (turns.length === 0)
    throw new PostgradError(
      "teacher/invalid-agent",
      `agent ${agent.id}: prompt() gave no message; return a text or at least one message`,
    );
  return agent.system === undefined ? turns : [{ role: "system", content: agent.system }, ...turns];
}

/** What a model is told about the form of its answer. Not part of the key: the schema is. */
export function formatInstruction(agent: Agent): string | undefined {
  return isFreeText(agent)
    ? undefined
    : `Answer with one JSON object and nothing else: no code fence, no comment. It must be valid under this JSON Schema:\n${agent.outputJson}`;
}
