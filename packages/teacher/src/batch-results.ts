import type { AgentCall } from "@postgrad/schema";

import type { Agent } from "./agent.ts";
import { replyReader } from "./batch-requests.ts";
import { type Batch, keysOf } from "./batch-store.ts";
import type { Answer, Ledger } from "./ledger.ts";
import { parseAnswer } from "./parse-answer.ts";
import { costOf } from "./prices.ts";
import type { Question } from "./question.ts";
import type { OpenTeacher } from "./teacher.ts";

/** What the lines of a result file come to. */
export interface BatchResults {
  readonly answers: readonly Answer[];
  /** Paid answers that are not valid. */
  readonly wasted: readonly AgentCall[];
}

/** Reads a result file: the valid answers to questions of this batch, each once, whatever else it holds. */
export async function readResults(
  teacher: OpenTeacher,
  ledger: Ledger,
  batch: Batch,
  text: string,
  discount: number,
): Promise<BatchResults> {
  const open = keysOf(ledger, batch);
  const question = questionLike(batch);
  const read = replyReader(teacher);
  const answers: Answer[] = [];
  const wasted: AgentCall[] = [];
  for (const { custom_id: key, response } of resultLines(text)) {
    if (response?.status_code !== 200 || !open.delete(key)) continue;
    const said = await read(question, response.body).catch(() => undefined);
    if (!said) continue; // a body that the provider's package cannot read is no answer
    const [input, output] = [said.inputTokens ?? 0, said.outputTokens ?? 0];
    const cost = costOf({ input, output }, teacher.price) * discount;
    const lineage: AgentCall = {
      agent: batch.agent,
      model: batch.model,
      prompt: key,
      ...(batch.sample > 0 && { sample: batch.sample }),
      attempts: 1,
      inputTokens: input,
      outputTokens: output,
      cost,
    };
    const parsed = parseAnswer(question.agent, said);
    if ("value" in parsed && said.finish !== "content-filter")
      answers.push({ value: parsed.value, lineage });
    else wasted.push(lineage);
  }
  return { answers, wasted };
}

/** A question of the batch's form: what reading an answer takes. */
export function questionLike({ agent: id, output, sample }: Batch): Question {
  const agent: Agent = {
    id,
    input: {},
    output: JSON.parse(output) as Agent["output"],
    outputJson: output,
    prompt: () => "",
    parameters: {},
    repairs: 0,
  };
  const messages = [{ role: "user" as const, content: "" }];
  return { key: "", agent, input: {}, sample, messages, parameters: { maxOutputTokens: 1 } };
}

interface ResultLine {
  readonly custom_id: string;
  readonly response?: { readonly status_code: number; readonly body: unknown } | null;
}

function* resultLines(text: string): Generator<ResultLine> {
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    try {
      yield JSON.parse(line) as ResultLine;
    } catch {
      // A line that was cut off answers nothing; its question is asked online.
    }
  }
}
