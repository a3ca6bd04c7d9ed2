export { type Agent, type AgentDefinition, defineAgent, type OutputSchema } from "./agent.ts";
export { ask, type AskOptions } from "./ask.ts";
export { askAll, type AskAllOptions, type Asked } from "./ask-all.ts";
export {
  type BatchReport,
  cancelBatches,
  collectBatches,
  type CollectBatchOptions,
  mergeBatch,
  submitBatches,
  writeBatches,
  type WriteBatchOptions,
} from "./batch.ts";
export { type Batch } from "./batch-store.ts";
export { type BreakerOptions } from "./breaker.ts";
export { type Amount, Budget } from "./budget.ts";
export { type Clock, systemClock } from "./clock.ts";
export { estimate, type Estimate, estimateText } from "./estimate.ts";
export { type TeacherEvent } from "./events.ts";
export { type Answer, Ledger, openLedger, type Spent } from "./ledger.ts";
export { mapAhead } from "./map-ahead.ts";
export { openTeacher, type OpenTeacherOptions } from "./open-teacher.ts";
export { Parameters } from "./parameters.ts";
export { type Price, priceOf, prices } from "./prices.ts";
export { type Counts, Progress, type ProgressOptions, type ProgressOutput } from "./progress.ts";
export {
  createRegistry,
  type ModelFactory,
  type NamedModel,
  type Registry,
  type RegistryOptions,
  type Transport,
} from "./registry.ts";
export { type LanguageModel } from "./reply.ts";
export {
  type OpenTeacher,
  type Teacher,
  TeacherConfig,
  teacherOf,
  type TeacherOptions,
} from "./teacher.ts";
