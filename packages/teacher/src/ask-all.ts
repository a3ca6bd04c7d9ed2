import { type AgentCall, Drop, PostgradError } from "@postgrad/schema";
import type { Static, TSchema } from "typebox";

import type { Agent, OutputSchema } from "./agent.ts";
import { ask, type AskOptions } from "./ask.ts";
import { dropCodes } from "./failure.ts";
import { mapAhead } from "./map-ahead.ts";
import { opened, type Teacher } from "./teacher.ts";

/** What came of one input: an answer, or a row that was dropped, with the reason. */
export type Asked<Input, Value> =
  | {
      readonly input: Input;
      readonly value: Value;
      readonly lineage: AgentCall;
      readonly drop?: undefined;
    }
  | {
      readonly input: Input;
      readonly value?: undefined;
      readonly lineage?: undefined;
      readonly drop: Drop;
    };

/** What `askAll` takes beside teacher, agent and inputs. */
export interface AskAllOptions extends AskOptions {
  /** How many inputs may be under way or waiting for their turn. Default: four times the teacher's concurrency. */
  readonly ahead?: number | undefined;
}

/**
 * Asks the agent about every input, several at once, and gives the results in the order of the inputs. What is wrong with
 * one question (no valid answer, refused, filtered, no answer after all retries) is a result with `drop`; what concerns all
 * of them (budget, key, provider down, a wrong input) is thrown.
 */
export async function* askAll<Input extends TSchema, Output extends OutputSchema>(
  teacher: Teacher,
  agent: Agent<Input, Output>,
  inputs: AsyncIterable<Static<Input>> | Iterable<Static<Input>>,
  { ahead, ...options }: AskAllOptions = {},
): AsyncGenerator<Asked<Static<Input>, Static<Output>>> {
  const open = opened(teacher);
  const stop = new AbortController(); // when the consumer stops, so do the calls
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  let isFailed = false;
  const work = async (input: Static<Input>): Promise<Asked<Static<Input>, Static<Output>>> => {
    try {
      return { input, ...(await ask(open, agent, input, { ...options, signal })) };
    } catch (error) {
      if (error instanceof PostgradError && dropCodes.has(error.code))
        return { input, drop: dropOf(error, input) };
      isFailed = true;
      throw error;
    }
  };
  const limit = ahead ?? open.config.concurrency * 4;
  const results = mapAhead(inputs, limit, work);
  try {
    // Not `for await`: that would wait for the calls under way before the signal below could stop them.
    for (;;) {
      const next = await results.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // A failure lets the calls that are under way end, for their answers are paid for.
    if (!isFailed) stop.abort(new Error("the results are not wanted any more"));
    await results.return(undefined);
  }
}

function dropOf({ code, message }: PostgradError, row: unknown): Drop {
  return { schema: "drop/1", code, reason: message, row };
}
