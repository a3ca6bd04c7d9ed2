import { type Static, Type } from "typebox";

/** A call of a tool, as in the OpenAI format; TRL's chat templates read `arguments` as an object. */
export const ToolCall = Type.Object({
  id: Type.Optional(Type.String()),
  type: Type.Literal("function"),
  function: Type.Object({
    name: Type.String({ minLength: 1 }),
    arguments: Type.Unknown({ description: "an object, or its JSON as text" }),
  }),
});
export type ToolCall = Static<typeof ToolCall>;

/** One turn of a conversation. */
export const Message = Type.Object({
  role: Type.Enum(["system", "user", "assistant", "tool"]),
  content: Type.String({ description: "the text; empty where the turn only calls tools" }),
  tool_calls: Type.Optional(Type.Array(ToolCall)),
  tool_call_id: Type.Optional(Type.String({ description: "the call that a tool turn answers" })),
  name: Type.Optional(Type.String({ description: "name of the tool that answers" })),
});
export type Message = Static<typeof Message>;

/** A conversation of at least one turn. */
export const Messages = Type.Array(Message, { minItems: 1 });
export type Messages = Static<typeof Messages>;
