import { type Static, Type } from "typebox";

/** Shape of the fall from the first exit point to the last. */
export const ScheduleShape = Type.Enum(["linear", "constant", "cosine", "step", "power"]);
export type ScheduleShape = Static<typeof ScheduleShape>;

/**
 * SkipDecode's settings (arXiv 2307.02628): which layers run at which generated position. Closed: it is a configuration.
 * What it resolves to is `skipSchedule` of `@postgrad/skipdecode`.
 */
export const SkipScheduleConfig = Type.Object(
  {
    schema: Type.Optional(
      Type.Literal("skip-schedule/1", { description: "kind and version, where it is stored" }),
    ),
    layers: Type.Integer({ minimum: 1, description: "layers of the network (N)" }),
    warmup: Type.Integer({
      minimum: 0,
      default: 1,
      description: "bottom layers that always run (w)",
    }),
    maxExit: Type.Integer({
      minimum: 1,
      description: "active layers at the first generated position, warm-up included",
    }),
    minExit: Type.Integer({
      minimum: 1,
      description: "active layers at the last scheduled position, warm-up included",
    }),
    generated: Type.Integer({
      minimum: 1,
      description: "generated tokens over which the schedule falls (G)",
    }),
    shape: Type.Optional(ScheduleShape),
    power: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: "exponent of the power shape" }),
    ),
    rounding: Type.Optional(Type.Enum(["half-up", "floor", "ceil"])),
    mode: Type.Optional(
      Type.Enum(["skip", "terminate", "middle"], { description: "which layers are left out" }),
    ),
    order: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0 }), {
        description: "layers from most to least important, instead of top first",
      }),
    ),
    prompt: Type.Optional(
      Type.Enum(["full", "max-exit"], { description: "layers that the prompt runs through" }),
    ),
  },
  { additionalProperties: false, title: "A skip schedule" },
);
export type SkipScheduleConfig = Static<typeof SkipScheduleConfig>;
