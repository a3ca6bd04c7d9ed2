import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { PostgradError } from "@postgrad/schema";
import type { Static, TSchema } from "typebox";

import type { Agent, OutputSchema } from "./agent.ts";
import { questionOfTeacher } from "./ask.ts";
import { batchApi, type BatchApi, type RemoteBatch } from "./batch-api.ts";
import { requestWriter } from "./batch-requests.ts";
import { questionLike, readResults } from "./batch-results.ts";
import {
  advance,
  type Batch,
  type BatchLine,
  closeBatch,
  openBatches,
  writeBatch,
} from "./batch-store.ts";
import type { Ledger } from "./ledger.ts";
import { costOf } from "./prices.ts";
import type { Question } from "./question.ts";
import type { OpenTeacher } from "./teacher.ts";
import { upperTokens } from "./tokens.ts";

/** Where batches are written, and how large. */
export interface WriteBatchOptions {
  /** Folder of the JSONL files. */
  readonly folder: string;
  /** Requests in one batch at most. Default 10,000 (OpenAI allows 50,000 and 200 MB). */
  readonly requests?: number | undefined;
  /** Which of several answers to the same question. Default 0. */
  readonly sample?: number | undefined;
}

/** How batches are collected. */
export interface CollectBatchOptions {
  /** Whether to wait until all are done. Default false: what is done is collected. */
  readonly wait?: boolean | undefined;
  /** How often a batch under way is looked at. Default 30,000 ms. */
  readonly pollMs?: number | undefined;
  /** What a batch costs of the list price. Default 0.5, OpenAI's discount. */
  readonly discount?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came of collecting batches, in questions. */
export interface BatchReport {
  /** Whose answers are in the ledger now. */
  readonly answered: number;
  /** Without a valid answer; `ask` and `askAll` put them online. */
  readonly failed: number;
  /** Of batches that are still under way, or not submitted. */
  readonly pending: number;
}

/**
 * Writes what `agent` asks about `inputs`, as far as the ledger has no answer, into OpenAI batch files (`custom_id` is the
 * ledger's key). Until they are collected or cancelled, `ask` refuses these questions with `teacher/in-batch`.
 */
export async function writeBatches<Input extends TSchema, Output extends OutputSchema>(
  teacher: OpenTeacher,
  agent: Agent<Input, Output>,
  inputs: AsyncIterable<Static<Input>> | Iterable<Static<Input>>,
  { folder, requests = 10_000, sample = 0 }: WriteBatchOptions,
): Promise<Batch[]> {
  const ledger = ledgerOf(teacher);
  const write = requestWriter(teacher);
  const asked = { model: teacher.id, agent, sample };
  const batches: (Batch | undefined)[] = [];
  let lines: BatchLine[] = [];
  for await (const input of inputs) {
    const question = questionOfTeacher(teacher, agent, input, sample);
    if (ledger.has(question.key)) continue;
    const { endpoint, body } = await write(question);
    lines.push(lineOf(teacher, question, endpoint, body));
    if (lines.length < requests) continue;
    batches.push(writeBatch(ledger, asked, folder, lines));
    lines = [];
  }
  if (lines.length > 0) batches.push(writeBatch(ledger, asked, folder, lines));
  return batches.filter((batch) => batch !== undefined);
}

/**
 * Uploads and starts this teacher's batches that are written and not started. Each is started once, also where this was
 * interrupted before. The most that they can take is booked in the budget.
 */
export async function submitBatches(
  teacher: OpenTeacher,
  { signal, discount = 0.5 }: Pick<CollectBatchOptions, "signal" | "discount"> = {},
): Promise<Batch[]> {
  const ledger = ledgerOf(teacher);
  const started: Batch[] = [];
  for (const batch of openBatches(ledger, teacher.id)) {
    if (batch.status === "started") continue;
    const upper = { tokens: batch.tokens, cost: batch.cost * discount };
    (await teacher.budget?.reserve(upper, signal))?.(upper);
    started.push(await start(teacher, ledger, batch, signal));
  }
  return started;
}

/** Merges this teacher's batches that the provider has ended into the ledger, each exactly once. */
export async function collectBatches(
  teacher: OpenTeacher,
  { wait = false, pollMs = 30_000, discount = 0.5, signal }: CollectBatchOptions = {},
): Promise<BatchReport> {
  const ledger = ledgerOf(teacher);
  let [answered, failed] = [0, 0];
  for (;;) {
    let [pending, isUnderWay] = [0, false];
    for (const batch of openBatches(ledger, teacher.id)) {
      const merged =
        batch.status === "started"
          ? await collect(teacher, ledger, batch, discount, signal)
          : undefined;
      if (merged === undefined) pending += batch.requests;
      else [answered, failed] = [answered + merged, failed + batch.requests - merged];
      isUnderWay ||= merged === undefined && batch.status === "started";
    }
    if (!wait || !isUnderWay) return { answered, failed, pending };
    await teacher.clock.sleep(pollMs, signal);
  }
}

/**
 * Merges a result file of a batch that somebody else has submitted, and ends the batch.
 *
 * @throws PostgradError `teacher/unknown-batch` where the ledger has no such batch open.
 */
export async function mergeBatch(
  teacher: OpenTeacher,
  id: string,
  file: string,
  { discount = 0.5 }: Pick<CollectBatchOptions, "discount"> = {},
): Promise<BatchReport> {
  const ledger = ledgerOf(teacher);
  const open = openBatches(ledger, teacher.id);
  const batch = open.find((one) => one.id === id);
  if (!batch)
    throw new PostgradError(
      "teacher/unknown-batch",
      `${ledger.path} has no open batch "${id}" of ${teacher.id}; open: ${open.map((one) => one.id).join(", ") || "none"}`,
    );
  const answered = await merge(teacher, ledger, batch, readFileSync(file, "utf8"), discount);
  return { answered, failed: batch.requests - answered, pending: 0 };
}

/** Ends this teacher's batches: those at the provider are cancelled, and what they have answered so far is kept. */
export async function cancelBatches(
  teacher: OpenTeacher,
  options: CollectBatchOptions = {},
): Promise<BatchReport> {
  const ledger = ledgerOf(teacher);
  let failed = 0;
  for (const batch of openBatches(ledger, teacher.id)) {
    const api = await apiFor(teacher, batch, options.signal);
    // One that was being started when the process ended may be under way.
    const remote =
      batch.status === "started"
        ? batch.remote
        : batch.status === "starting"
          ? (await api.find(batch.id))?.id
          : null;
    if (remote) {
      await api.cancel(remote);
      advance(ledger, batch, "started", remote);
    } else {
      closeBatch(ledger, batch, []);
      failed += batch.requests;
    }
  }
  const report = await collectBatches(teacher, { ...options, wait: true });
  return { ...report, failed: report.failed + failed };
}

function lineOf({ price }: OpenTeacher, question: Question, url: string, body: unknown): BatchLine {
  const { key } = question;
  const upper = upperTokens(question);
  const line = JSON.stringify({ custom_id: key, method: "POST", url, body });
  return { key, line, tokens: upper.input + upper.output, cost: costOf(upper, price) };
}

async function start(
  teacher: OpenTeacher,
  ledger: Ledger,
  batch: Batch,
  signal: AbortSignal | undefined,
): Promise<Batch> {
  const api = await apiFor(teacher, batch, signal);
  const lines = readFileSync(batch.file, "utf8");
  const { url } = JSON.parse(lines.slice(0, lines.indexOf("\n"))) as { url: string };
  const uploaded =
    batch.status === "starting" ? batch.remote! : await api.upload(basename(batch.file), lines);
  // Noted before it is started: whoever finds it like this asks the provider first whether it was.
  const starting = advance(ledger, batch, "starting", uploaded);
  const { id } = await api.start(uploaded, url, batch.id);
  return advance(ledger, starting, "started", id);
}

/** Looks at a batch and, where it has ended, merges it: how many questions it answered; `undefined` where it goes on. */
async function collect(
  teacher: OpenTeacher,
  ledger: Ledger,
  batch: Batch,
  discount: number,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const api = await apiFor(teacher, batch, signal);
  const remote = await api.look(batch.remote!);
  if (!["completed", "failed", "expired", "cancelled"].includes(remote.status)) return undefined;
  if (remote.status !== "completed") notice(teacher, batch, remote);
  const text = remote.output_file_id ? await api.download(remote.output_file_id) : "";
  return merge(teacher, ledger, batch, text, discount);
}

async function merge(
  teacher: OpenTeacher,
  ledger: Ledger,
  batch: Batch,
  text: string,
  discount: number,
): Promise<number> {
  const { answers, wasted } = await readResults(teacher, ledger, batch, text, discount);
  closeBatch(ledger, batch, answers, wasted);
  return answers.length;
}

function notice(
  { id: model, onEvent, redact }: OpenTeacher,
  batch: Batch,
  remote: RemoteBatch,
): void {
  const why = remote.errors?.data?.map(({ message }) => message).join("; ");
  const message = redact(
    `batch ${batch.id} (${remote.id}) ended as ${remote.status}${why ? `: ${why}` : ""}`,
  );
  onEvent?.({ type: "notice", model, message });
}

async function apiFor(
  teacher: OpenTeacher,
  batch: Batch,
  signal: AbortSignal | undefined,
): Promise<BatchApi> {
  const question = questionLike(batch);
  return batchApi(teacher, question.agent, await requestWriter(teacher)(question), signal);
}

function ledgerOf({ id, ledger }: OpenTeacher): Ledger {
  if (ledger) return ledger;
  throw new PostgradError(
    "teacher/no-ledger",
    `a batch needs a ledger to merge into; open ${id} with { ledger: openLedger(PATH) }`,
  );
}
