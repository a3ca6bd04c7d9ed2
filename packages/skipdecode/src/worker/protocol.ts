import { PostgradError } from "@postgrad/schema";

import type { JsonSchema } from "../constraint/place.ts";
import type { Engine } from "../engine.ts";
import type { GenerateRequest, GenerateRow } from "../generate.ts";
import { type LayerSchedule, layerSchedule } from "../schedule/layer-schedule.ts";
import type { ScoreOptions, ScoreRow } from "../score.ts";

/** What the worker is started with. */
export interface WorkerStart {
  /** URL of a module that exports `openEngine(options)`. */
  readonly module: string;
  readonly options: unknown;
}

/** The facts about an engine that do not change. */
export type EngineFacts = Pick<
  Engine,
  "name" | "layers" | "vocabulary" | "headCost" | "contextLength" | "endTokens"
>;

/** A row without what cannot be sent: its signal stays behind, its constraint goes as a schema. */
export type SentRow = Omit<GenerateRow, "signal" | "constraint"> & { readonly schema?: JsonSchema };

/** A request without what cannot be sent. */
export type SentRequest = Omit<GenerateRequest, "rows" | "schedule" | "signal" | "conversation"> & {
  readonly rows: readonly SentRow[];
  readonly schedule?: SentSchedule;
};

interface SentSchedule {
  readonly layers: number;
  readonly prompt: readonly number[];
  readonly sets: readonly (readonly number[])[];
}

/** From the caller to the worker. `abort` without a row ends all rows of a call. */
export type Order =
  | { readonly type: "generate"; readonly id: number; readonly request: SentRequest }
  | {
      readonly type: "score";
      readonly id: number;
      readonly rows: readonly ScoreRow[];
      readonly options: Omit<ScoreOptions, "signal">;
    }
  | {
      readonly type: "influence";
      readonly id: number;
      readonly prompts: readonly (readonly number[])[];
    }
  | { readonly type: "abort"; readonly id: number; readonly row?: number }
  | { readonly type: "dispose"; readonly id: number };

/** From the worker to the caller: any number of events, then the end or an error of a call. The first one is `ready`. */
export type Report =
  | { readonly type: "ready"; readonly facts: EngineFacts }
  | { readonly type: "event"; readonly id: number; readonly event: unknown }
  | { readonly type: "end"; readonly id: number; readonly value?: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: SentError };

/** An error as plain data. */
export interface SentError {
  readonly message: string;
  readonly stack: string | undefined;
  readonly code?: string;
  readonly fault?: "user" | "system";
}

/** Takes an error apart for sending. */
export function sentError(error: unknown): SentError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  if (!(error instanceof PostgradError)) return { message, stack };
  return { message, stack, code: error.code, fault: error.fault };
}

/** Puts an error together again. */
export function receivedError({ message, stack, code, fault }: SentError): Error {
  const error =
    code === undefined
      ? new Error(message)
      : new PostgradError(code, message, fault ? { fault } : {});
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** @throws PostgradError `skipdecode/worker` for what cannot be sent: a conversation, a constraint of one's own. */
export function sentRequest(request: GenerateRequest): SentRequest {
  const { signal: _signal, rows, schedule, conversation, ...rest } = request;
  if (conversation) throw unsendable("a conversation", "open the engine in this thread");
  return {
    ...rest,
    rows: rows.map(sentRow),
    ...(schedule && { schedule: sentSchedule(schedule) }),
  };
}

function sentRow({ signal: _signal, constraint, ...row }: GenerateRow): SentRow {
  if (!constraint) return row;
  if ("schema" in constraint) return { ...row, schema: constraint.schema as JsonSchema };
  throw unsendable(
    "a constraint of your own",
    "use one of jsonConstraints, or open the engine in this thread",
  );
}

function sentSchedule(schedule: LayerSchedule): SentSchedule {
  const { layers, prompt, settledAt } = schedule;
  const sets = Array.from({ length: settledAt + 1 }, (_, index) => schedule.layersAt(index));
  return { layers, prompt, sets };
}

/** The request as the engine takes it. */
export function receivedRequest(
  { rows, schedule, ...rest }: SentRequest,
  complete: (row: Omit<SentRow, "schema">, index: number, schema?: JsonSchema) => GenerateRow,
): GenerateRequest {
  return {
    ...rest,
    rows: rows.map(({ schema, ...row }, index) => complete(row, index, schema)),
    ...(schedule && { schedule: layerSchedule(schedule) }),
  };
}

const unsendable = (what: string, remedy: string): PostgradError =>
  new PostgradError(
    "skipdecode/worker",
    `${what} cannot be sent to an engine in a worker; ${remedy}`,
  );
