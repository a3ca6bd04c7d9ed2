export { canonicalJson } from "./canonical.ts";
export { PostgradError, type PostgradErrorOptions } from "./error.ts";
export { nearest } from "./nearest.ts";
export { type Place, placePrefix } from "./place.ts";
export { random, type Random, xoshiro128 } from "./random.ts";
export { defineRecord, parseRecord, type RawRow, type RecordKind } from "./record-kind.ts";
export { kindOf, type RecordName, records } from "./records.ts";
export { Demonstration } from "./records/demonstration.ts";
export { Drop } from "./records/drop.ts";
export {
  EvaluationItem,
  EvaluationReport,
  EvaluationResult,
  Figure,
} from "./records/evaluation.ts";
export { Example } from "./records/example.ts";
export { AgentCall, Lineage, Meta } from "./records/lineage.ts";
export { RunManifest, Spending, StageManifest } from "./records/manifest.ts";
export { Message, Messages, ToolCall } from "./records/message.ts";
export { Budget, PipelineConfig } from "./records/pipeline-config.ts";
export { Preference } from "./records/preference.ts";
export { Passage, SeedDocument, SeedKind } from "./records/seed.ts";
export { ScheduleShape, SkipScheduleConfig } from "./records/skip-schedule.ts";
export { CheckResult, Translation } from "./records/translation.ts";
export { is, type Issue, issueOf, parseConfig, validate } from "./validate.ts";
