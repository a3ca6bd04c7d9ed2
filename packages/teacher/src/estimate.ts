import type { Static, TSchema } from "typebox";

import type { Agent, OutputSchema } from "./agent.ts";
import { questionOfTeacher } from "./ask.ts";
import type { Amount } from "./budget.ts";
import { costOf, dollars } from "./prices.ts";
import { opened, type Teacher } from "./teacher.ts";
import { expectedTokens, upperTokens } from "./tokens.ts";

/** What a run will take, told before anything is spent. */
export interface Estimate {
  readonly questions: number;
  /** Of them, answered in the ledger already, and therefore free. */
  readonly cached: number;
  /** Tokens that will probably be used; an answer is taken as a quarter of the longest that is allowed. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars for these, 0 where the price is not known. */
  readonly cost: number;
  /** What it cannot exceed without repairs and retries: what is reserved in the budget. */
  readonly upper: Amount;
  /** Whether the price is known; where not, `cost` says nothing. */
  readonly isPriced: boolean;
}

/** Estimates what asking `agent` about all `inputs` will take. Nothing is asked; a question that repeats counts each time. */
export async function estimate<Input extends TSchema, Output extends OutputSchema>(
  teacher: Teacher,
  agent: Agent<Input, Output>,
  inputs: AsyncIterable<Static<Input>> | Iterable<Static<Input>>,
  { sample = 0 }: { readonly sample?: number | undefined } = {},
): Promise<Estimate> {
  const open = opened(teacher);
  const { ledger, price } = open;
  let [questions, cached, input, output] = [0, 0, 0, 0];
  let upper: Amount = { cost: 0, tokens: 0 };
  for await (const row of inputs) {
    questions++;
    const question = questionOfTeacher(open, agent, row, sample);
    if (ledger?.has(question.key)) {
      cached++;
      continue;
    }
    const expected = expectedTokens(question);
    const most = upperTokens(question);
    input += expected.input;
    output += expected.output;
    upper = {
      cost: upper.cost + costOf(most, price),
      tokens: upper.tokens + most.input + most.output,
    };
  }
  const cost = costOf({ input, output }, price);
  const isPriced = price !== undefined;
  return { questions, cached, inputTokens: input, outputTokens: output, cost, upper, isPriced };
}

/** The estimate for a person, in one line. */
export function estimateText(what: Estimate): string {
  const { questions, cached, inputTokens, outputTokens, cost, upper, isPriced } = what;
  const number = (value: number): string => value.toLocaleString("en-US");
  const money = isPriced
    ? `about ${dollars(cost)}, at most ${dollars(upper.cost)}`
    : "price not known";
  return (
    `${number(questions)} questions, ${number(cached)} of them in the ledger; for the other ${number(questions - cached)} ` +
    `about ${number(inputTokens)} input and ${number(outputTokens)} output tokens (at most ${number(upper.tokens)}): ${money}`
  );
}
