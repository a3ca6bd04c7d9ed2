import type {
  JSONSchema7,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
} from "@ai-sdk/provider";
import { type Message, PostgradError } from "@postgrad/schema";

import { type Agent, isFreeText } from "./agent.ts";
import { TimeoutError } from "./failure.ts";
import { checkOutput, formatInstruction, type Question } from "./question.ts";
import { type Reply, replyOf } from "./reply.ts";
import type { OpenTeacher } from "./teacher.ts";

/** Makes one call and reads its reply. Rejects with whatever the model throws, or after the teacher's time-out. */
export async function call(
  teacher: OpenTeacher,
  question: Question,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  signal?.throwIfAborted();
  const { model, config } = teacher;
  const stop = new AbortController();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    stop.abort(reason);
    reject(reason); // a model that does not listen to its signal is left alone
  };
  const timer = setTimeout(
    () => end(new TimeoutError(`no answer within ${config.timeoutMs} ms`)),
    config.timeoutMs,
  );
  const cancel = (): void => end(signal!.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const options = { ...callOptions(teacher, question), abortSignal: stop.signal };
    return replyOf(await Promise.race([model.doGenerate(options), stopped]));
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason; // and not what the provider makes of it
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

/** The call that asks `question`, as the AI SDK writes it. */
export function callOptions(teacher: OpenTeacher, question: Question): LanguageModelV4CallOptions {
  const { config, isHosted } = teacher;
  const { agent, messages, input, sample } = question;
  checkOutput(agent);
  const { seed, stopSequences, ...parameters } = question.parameters;
  const form = isFreeText(agent) ? "none" : config.structuredOutput;
  return {
    prompt: promptOf(agent, messages),
    ...parameters,
    ...(stopSequences && { stopSequences: [...stopSequences] }),
    ...(seed !== undefined && { seed: seed + sample }),
    ...(form !== "none" && {
      responseFormat: { type: "json", ...(form === "schema" && schemaOf(agent)) },
    }),
    // A model in this process answers by agent and input; one outside must not see them.
    providerOptions: isHosted
      ? lenient
      : { postgrad: { agent: agent.id, input: input as never, sample } },
  };
}

// OpenAI's strict mode knows no optional fields. What is strict here is the check of the answer.
const lenient = {
  openai: { strictJsonSchema: false },
  azure: { strictJsonSchema: false },
  openaiCompatible: { strictJsonSchema: false },
};

function schemaOf(agent: Agent): { schema: JSONSchema7; name: string } {
  return {
    schema: agent.output,
    name: agent.id.replaceAll(/[^\w-]/g, "_").slice(0, 64),
  };
}

/** The messages as the AI SDK writes them, with what the model must know about the form of its answer. */
function promptOf(agent: Agent, messages: readonly Message[]): LanguageModelV4Prompt {
  const instruction = formatInstruction(agent);
  const prompt = messages.map((message) => turnOf(agent, message));
  if (instruction === undefined) return prompt;
  const [first] = prompt;
  if (first?.role !== "system") return [{ role: "system", content: instruction }, ...prompt];
  return [{ role: "system", content: `${first.content}\n\n${instruction}` }, ...prompt.slice(1)];
}

function turnOf(
  agent: Agent,
  { role, content, tool_calls }: Message,
): LanguageModelV4Prompt[number] {
  if (role === "tool" || tool_calls)
    throw new PostgradError(
      "teacher/invalid-agent",
      `agent ${agent.id}: a prompt of turns that call tools is not supported; write them out as text`,
    );
  return role === "system"
    ? { role, content }
    : { role, content: [{ type: "text", text: content }] };
}
