import { canonicalJson, type Message, PostgradError } from "@postgrad/schema";
import type { Static, TObject, TSchema, TString } from "typebox";

import type { Parameters } from "./parameters.ts";

/** An answer is one JSON object, or free text. */
export type OutputSchema = TObject | TString;

/** What `defineAgent` takes. */
export interface AgentDefinition<Input extends TSchema, Output extends OutputSchema> {
  /** Name in lineage and ledger, e.g. `synthesis/rc/literal`. */
  readonly id: string;
  readonly input: Input;
  /** An object schema: the model answers with JSON of it. A string schema: it answers with free text. */
  readonly output: Output;
  /** Who the model is to be, sent as the system message. */
  readonly system?: string;
  /** The user's turn, or a whole conversation. A pure function: the same input must give the same text. */
  prompt(input: Static<Input>): string | readonly Message[];
  /** How the answer is drawn; what is absent is left to the provider. */
  readonly parameters?: Parameters;
  /** How often an invalid answer is sent back with the validation message. Default 2. */
  readonly repairs?: number;
}

/** A prompt with a name, a typed input and a checked output. Made by `defineAgent`. */
export interface Agent<
  Input extends TSchema = TSchema,
  Output extends OutputSchema = OutputSchema,
> extends AgentDefinition<Input, Output> {
  readonly parameters: Parameters;
  readonly repairs: number;
  /** Canonical JSON of the output schema: what is hashed, and what the model is shown. */
  readonly outputJson: string;
}

/**
 * Defines an agent.
 *
 * @throws PostgradError `teacher/invalid-agent` where the id is empty or the output is neither an object nor a string.
 */
export function defineAgent<Input extends TSchema, Output extends OutputSchema>(
  definition: AgentDefinition<Input, Output>,
): Agent<Input, Output> {
  const { id, output, parameters = {}, repairs = 2 } = definition;
  if (!/^[\w.-]+(\/[\w.-]+)*$/.test(id))
    throw invalid(`"${id}" is no agent id; write letters, digits, ".", "_", "-", with "/" between`);
  const type: string | undefined = output.type; // callers without types bring what they like
  if (type !== "object" && type !== "string")
    throw invalid(
      `agent ${id}: the output schema is of ${type ? `type "${type}"` : "no single type"}; ` +
        "make it an object (a list goes into a field of one) or, for free text, a string",
    );
  return { ...definition, parameters, repairs, outputJson: canonicalJson(output) };
}

/** Whether the agent is answered in free text. */
export function isFreeText(agent: Agent): boolean {
  return agent.output.type === "string";
}

function invalid(message: string): PostgradError {
  return new PostgradError("teacher/invalid-agent", message);
}
