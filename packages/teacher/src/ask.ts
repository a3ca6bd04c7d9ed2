import { type AgentCall, PostgradError } from "@postgrad/schema";
import type { Static, TSchema } from "typebox";

import type { Agent, OutputSchema } from "./agent.ts";
import { reply, type Tally } from "./attempt.ts";
import type { Answer } from "./ledger.ts";
import { once } from "./once.ts";
import { parseAnswer } from "./parse-answer.ts";
import { type Question, questionOf } from "./question.ts";
import { opened, type OpenTeacher, type Teacher } from "./teacher.ts";

/** What `ask` takes beside teacher, agent and input. */
export interface AskOptions {
  /** Which of several answers to the same question, from 0, the default. */
  readonly sample?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks `teacher` what `agent` asks about `input`, and returns the checked answer with its lineage. An answer that the
 * ledger has is not asked for again; one that does not fit the agent's output schema is sent back, with what is wrong
 * with it, up to `agent.repairs` times.
 *
 * @throws PostgradError `teacher/invalid-input`; `teacher/invalid-answer`, `teacher/filtered`, `teacher/refused`,
 * `teacher/unavailable` for this question; `teacher/budget`, `teacher/provider-down`, `teacher/quota`,
 * `teacher/unauthorized`, `teacher/no-such-model`, `teacher/in-batch`, `teacher/failed` for all. The signal's reason when
 * it is aborted.
 */
export async function ask<Input extends TSchema, Output extends OutputSchema>(
  teacher: Teacher,
  agent: Agent<Input, Output>,
  input: Static<Input>,
  { sample = 0, signal }: AskOptions = {},
): Promise<Answer<Static<Output>>> {
  const open = opened(teacher);
  const question = questionOfTeacher(open, agent, input, sample);
  const tally: Tally = { attempts: 0, inputTokens: 0, outputTokens: 0, cost: 0 };
  const produce = (): Promise<Answer> => answered(open, question, tally, signal);
  try {
    const { answer, cached } = open.ledger
      ? await once(open.ledger, question, signal, produce)
      : { answer: await produce(), cached: false };
    open.onEvent?.({ type: "answered", agent: agent.id, model: open.id, cached, ...tally });
    return named(answer, agent.id) as Answer<Static<Output>>;
  } catch (error) {
    if (tally.cost > 0 || tally.inputTokens > 0)
      open.ledger?.waste(lineageOf(open, question, tally));
    if (open.onEvent) report(open, question, tally, error);
    throw error;
  }
}

/** The question that `ask` asks. */
export function questionOfTeacher(
  { id, config }: OpenTeacher,
  agent: Agent,
  input: unknown,
  sample: number,
): Question {
  return questionOf(agent, input, { model: id, maxOutputTokens: config.maxOutputTokens, sample });
}

async function answered(
  teacher: OpenTeacher,
  question: Question,
  tally: Tally,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const { agent } = question;
  let asked = question;
  for (let repairs = 0; ; repairs++) {
    const said = await reply(teacher, asked, tally, signal);
    if (said.finish === "content-filter") throw filtered(teacher, question);
    const parsed = parseAnswer(agent, said);
    if ("value" in parsed)
      return { value: parsed.value, lineage: lineageOf(teacher, question, tally) };
    if (repairs >= agent.repairs) throw invalid(teacher, question, tally, parsed.issue);
    // To an empty answer there is nothing to reply; the same question is put again.
    asked = said.text.trim() === "" ? question : repair(question, said.text, parsed.issue);
  }
}

/** The question with its last answer and what is wrong with that one; earlier answers would only confuse. */
function repair(question: Question, answer: string, issue: string): Question {
  const messages = [
    ...question.messages,
    { role: "assistant" as const, content: answer },
    {
      role: "user" as const,
      content: `Your answer is not valid: ${issue}. Answer again, the whole of it, corrected.`,
    },
  ];
  return { ...question, messages };
}

function lineageOf({ id }: OpenTeacher, { key, agent, sample }: Question, tally: Tally): AgentCall {
  return { agent: agent.id, model: id, prompt: key, ...(sample > 0 && { sample }), ...tally };
}

/** An answer that another agent asked for in the same words is this agent's too. */
function named(answer: Answer, agent: string): Answer {
  return answer.lineage.agent === agent
    ? answer
    : { ...answer, lineage: { ...answer.lineage, agent } };
}

function invalid(
  { id }: OpenTeacher,
  { agent }: Question,
  { attempts }: Tally,
  issue: string,
): PostgradError {
  return new PostgradError(
    "teacher/invalid-answer",
    `agent ${agent.id}: ${id} gave no valid answer in ${attempts} call${attempts === 1 ? "" : "s"}; of the last one: ${issue}`,
    { fault: "system" },
  );
}

function filtered({ id }: OpenTeacher, { agent }: Question): PostgradError {
  return new PostgradError(
    "teacher/filtered",
    `agent ${agent.id}: ${id} declined to answer (content filter)`,
    { fault: "system" },
  );
}

function report(
  { id, onEvent }: OpenTeacher,
  { agent }: Question,
  tally: Tally,
  error: unknown,
): void {
  const { inputTokens, outputTokens, cost } = tally;
  const isOurs = error instanceof PostgradError;
  const [code, reason] = isOurs
    ? [error.code, error.message]
    : ["teacher/cancelled", String(error)];
  onEvent?.({
    type: "failed",
    agent: agent.id,
    model: id,
    code,
    reason,
    inputTokens,
    outputTokens,
    cost,
  });
}
