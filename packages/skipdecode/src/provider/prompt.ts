import {
  type LanguageModelV4Message,
  type LanguageModelV4Prompt,
  type LanguageModelV4ToolResultPart,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import type { Message } from "@postgrad/schema";

/**
 * A prompt of the AI SDK as the turns that a chat template writes.
 *
 * @throws UnsupportedFunctionalityError for images, files and other content that is no text.
 */
export function messagesOf(prompt: LanguageModelV4Prompt): Message[] {
  return prompt.flatMap(turnsOf);
}

function turnsOf(message: LanguageModelV4Message): Message[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }];
    case "user":
      return [{ role: "user", content: message.content.map(textOf).join("") }];
    case "assistant":
      return [assistantTurn(message.content)];
    case "tool":
      return message.content.map((part) =>
        part.type === "tool-result" ? toolTurn(part) : refuse(part.type),
      );
  }
  return refuse(`a message of the role ${(message as { role: string }).role}`);
}

type AssistantContent = Extract<LanguageModelV4Message, { role: "assistant" }>["content"];

function assistantTurn(content: AssistantContent): Message {
  // Templates drop the reasoning of earlier turns, so it is left out here.
  const texts = content.filter((part) => part.type !== "tool-call" && part.type !== "reasoning");
  const calls = content
    .filter((part) => part.type === "tool-call")
    .map(({ toolCallId, toolName, input }) => ({
      id: toolCallId,
      type: "function" as const,
      function: { name: toolName, arguments: input },
    }));
  const turn = { role: "assistant" as const, content: texts.map(textOf).join("") };
  return calls.length > 0 ? { ...turn, tool_calls: calls } : turn;
}

function toolTurn({ toolCallId, toolName, output }: LanguageModelV4ToolResultPart): Message {
  return { role: "tool", content: resultText(output), tool_call_id: toolCallId, name: toolName };
}

function resultText(output: LanguageModelV4ToolResultPart["output"]): string {
  if (output.type === "text" || output.type === "error-text") return output.value;
  if (output.type === "json" || output.type === "error-json") return JSON.stringify(output.value);
  if (output.type === "execution-denied") return output.reason ?? "The call was not allowed.";
  return output.value.map(textOf).join("");
}

function textOf(part: { readonly type: string; readonly text?: string }): string {
  return part.type === "text" && part.text !== undefined ? part.text : refuse(part.type);
}

function refuse(what: string): never {
  throw new UnsupportedFunctionalityError({ functionality: `${what} in a prompt` });
}
