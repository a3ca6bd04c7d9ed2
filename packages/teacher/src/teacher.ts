import type { LanguageModelV4 } from "@ai-sdk/provider";
import { parseConfig } from "@postgrad/schema";
import { type Static, Type } from "typebox";

import type { BreakerOptions } from "./breaker.ts";
import type { Budget } from "./budget.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { TeacherEvent } from "./events.ts";
import { Gate } from "./gate.ts";
import type { Ledger } from "./ledger.ts";
import { type Price, priceOf } from "./prices.ts";
import { redact as redactKeys } from "./redact.ts";
import type { Transport } from "./registry.ts";
import type { LanguageModel } from "./reply.ts";

/** The settings of a teacher that are plain data; a command line makes its options from these. */
export const TeacherConfig = Type.Object(
  {
    concurrency: Type.Integer({
      minimum: 1,
      default: 16,
      description: "calls at once; halves on 429 and grows back",
    }),
    requestsPerMinute: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "calls begun in a minute" }),
    ),
    tokensPerMinute: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "input and output tokens together" }),
    ),
    timeoutMs: Type.Integer({
      minimum: 1,
      default: 120_000,
      description: "the longest one call may take",
    }),
    retries: Type.Integer({
      minimum: 0,
      default: 6,
      description: "how often a call that got no answer is made again",
    }),
    maxOutputTokens: Type.Integer({
      minimum: 1,
      default: 4096,
      description: "the most tokens of an answer, where the agent sets no limit",
    }),
    structuredOutput: Type.Enum(["schema", "json", "none"], {
      default: "schema",
      description:
        "how the provider is told the answer's form beside the prompt: with the schema, as JSON, or not at all",
    }),
  },
  { additionalProperties: false },
);
export type TeacherConfig = Static<typeof TeacherConfig>;

/** What a teacher can be given beside its model. */
export interface TeacherOptions extends Partial<TeacherConfig> {
  /** Where answers are kept. Default: nowhere, and every ask is a call. */
  readonly ledger?: Ledger | undefined;
  /** What this and other teachers may spend together. */
  readonly budget?: Budget | undefined;
  /** Where the list has none, or another one. */
  readonly price?: Price | undefined;
  /** The model's name in ledger and lineage. Default `provider:model`. */
  readonly id?: string | undefined;
  readonly breaker?: BreakerOptions | undefined;
  readonly onEvent?: ((event: TeacherEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/** A model with what it takes to ask it many times: ledger, budget, limits. Made by `openTeacher`. */
export interface OpenTeacher {
  /** The model's name in ledger and lineage. */
  readonly id: string;
  readonly model: LanguageModelV4;
  readonly config: TeacherConfig;
  readonly ledger: Ledger | undefined;
  readonly budget: Budget | undefined;
  /** `undefined` where it is not known: then tokens are counted, and cost is 0. */
  readonly price: Price | undefined;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly onEvent: ((event: TeacherEvent) => void) | undefined;
  /** Whether calls leave this process. A model outside is not told agent and input. */
  readonly isHosted: boolean;
  /** Takes keys out of a text: what a provider says may repeat them. */
  readonly redact: (text: string) => string;
  /** Where it can be asked in batches. */
  readonly transport: Transport | undefined;
}

/** Whom `ask` takes: an open teacher, or any language model of the AI SDK, then without ledger and limits across asks. */
export type Teacher = OpenTeacher | LanguageModel;

const defaults = parseConfig(TeacherConfig, {});

/** What a provider says about a model of its own. */
export interface ModelFacts {
  readonly isHosted?: boolean;
  readonly redact?: OpenTeacher["redact"];
  readonly transport?: Transport | undefined;
}

/** An open teacher for `model`. */
export function teacherOf(
  model: LanguageModel,
  options: TeacherOptions = {},
  { isHosted = false, redact = redactKeys, transport }: ModelFacts = {},
): OpenTeacher {
  const { ledger, budget, price, id, breaker, onEvent, clock = systemClock, ...given } = options;
  const isDefault = Object.keys(given).length === 0;
  const config = isDefault ? defaults : parseConfig(TeacherConfig, given, { file: "teacher" });
  const { concurrency, requestsPerMinute, tokensPerMinute } = config;
  const name = id ?? `${model.provider}:${model.modelId}`;
  const gate = new Gate({
    model: name,
    concurrency,
    requestsPerMinute,
    tokensPerMinute,
    breaker,
    clock,
  });
  return {
    id: name,
    // Versions 2 and 3 take the text-only calls that are made here; their results are read by `replyOf`.
    model: model as LanguageModelV4,
    config,
    ledger,
    budget,
    price: price ?? priceOf(name),
    gate,
    clock,
    onEvent,
    isHosted,
    redact,
    transport,
  };
}

/** `teacher` itself where it is open, else one around the bare model. */
export function opened(teacher: Teacher): OpenTeacher {
  return "gate" in teacher ? teacher : teacherOf(teacher);
}
