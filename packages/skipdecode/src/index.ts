export { runtime, runtimeOn } from "#runtime";

export type { ChatTemplate, ChatTool } from "./chat/chat-template.ts";
export {
  calibrate,
  type Calibration,
  type CalibrationOptions,
  type CalibrationPoint,
  chooseSchedule,
  importanceOrder,
} from "./calibrate.ts";
export {
  type ConstrainedModel,
  type JsonConstraint,
  type JsonConstraints,
  jsonConstraints,
} from "./constraint/json-constraint.ts";
export type { JsonSchema, JsonSchemaObject } from "./constraint/place.ts";
export type { TokenBytes } from "./constraint/vocabulary.ts";
export { Conversation } from "./conversation.ts";
export type { Engine, TextCodec } from "./engine.ts";
export {
  collect,
  type ConfidenceExit,
  type ExactOptions,
  type FinishEvent,
  type FinishReason,
  type GeneratedRow,
  type GenerateEvent,
  type GenerateRequest,
  type GenerateRow,
  type GenerateTiming,
  type TokenEvent,
  type TokenLogprob,
} from "./generate.ts";
export { type EngineOptions, openEngine } from "./open-engine.ts";
export { type ModelOptions, openModel } from "./open-model.ts";
export type { CallSettings } from "./provider/call.ts";
export { languageModel, type LanguageModelSettings } from "./provider/language-model.ts";
export type {
  ElementArrays,
  ElementType,
  Runtime,
  RuntimeGraph,
  Session,
  SessionOptions,
  Tensor,
} from "./runtime.ts";
export type { TokenConstraint } from "./sampling/constraint.ts";
export { type Distribution, distribution, draw } from "./sampling/distribution.ts";
export { argmax, logSumExp, penalise } from "./sampling/logits.ts";
export { checkSampling, type SamplingOptions } from "./sampling/options.ts";
export { uniform } from "./sampling/uniform.ts";
export { truncated, unified } from "./schedule/baselines.ts";
export { type Exits, exitsForSpeedup } from "./schedule/exits.ts";
export { fullDepth, layerSchedule, type LayerSchedule } from "./schedule/layer-schedule.ts";
export {
  type SkipSchedule,
  skipSchedule,
  type SkipScheduleOptions,
} from "./schedule/skip-schedule.ts";
export { layerSpeedup, type SpeedupOptions } from "./schedule/speedup.ts";
export type { ScoredContinuation, ScoreOptions, ScoreRow } from "./score.ts";
