export { type Arithmetic } from "./losses/arithmetic.ts";
export { chooseLoss, type ChosenLoss, lossNamed } from "./losses/choose.ts";
export { type Dual, dualArithmetic, variable } from "./losses/dual.ts";
export { evaluatePair, type PairValue } from "./losses/evaluate.ts";
export { losses } from "./losses/index.ts";
export {
  type CompletionLoss,
  defineLoss,
  type Loss,
  type PreferenceLoss,
  type Response,
  type StepFacts,
} from "./losses/loss.ts";
export { type Formula, gradients } from "./autodiff/gradients.ts";
export type { GradientRule, RuleInput } from "./autodiff/rule.ts";
export { rules as gradientRules } from "./autodiff/rules/index.ts";
export { accelerateConfig } from "./trl/accelerate.ts";
export { trlArguments } from "./trl/arguments.ts";
export { HandOffConfig, Parallelism } from "./trl/config.ts";
export { TokenisedExample, TokenisedPreference } from "./trl/data.ts";
export { type HandOff, handOff, type HandOffInput } from "./trl/hand-off.ts";
export { handOffJob, type Job } from "./trl/job.ts";
export { type Finding, findingsFor, requireAll } from "./trl/machine.ts";
export type { StepMetrics } from "./trl/metrics.ts";
export type { DriverReport, RunOptions } from "./trl/run.ts";
export { sbatchText } from "./trl/slurm.ts";
export { presets } from "./presets/index.ts";
export { Preset, Source, type Sourced } from "./presets/preset.ts";
export { presetNamed, presetRows, presetSettings, type PresetUse } from "./presets/settings.ts";
export { type LowRank, lowRankNames } from "./graph/trained-weights.ts";
export {
  type TrainingGraph,
  trainingGraph,
  type TrainingGraphOptions,
} from "./graph/training-graph.ts";
export {
  adamW,
  type AdamWOptions,
  type AdamWStep,
  blankMoments,
  type Moments,
} from "./optimizer/adamw.ts";
export { learningRateAt, type LearningRateOptions } from "./optimizer/learning-rate.ts";
export { GradientSum } from "./step/gradient-sum.ts";
export { type Layout, oneTextARow, packed, type Placed } from "./step/layout.ts";
export { type BatchFacts, Stepper, type StepperOptions, type WeightData } from "./step/stepper.ts";
export type { Text, TextRow } from "./step/text.ts";
export { rowOrder } from "./data/order.ts";
export { type Prepared, type PreparedRow, prepareRows } from "./data/prepare.ts";
export { preview } from "./data/preview.ts";
export { renderConversation } from "./data/render.ts";
export { tierShares, TierSchedule } from "./data/tier-schedule.ts";
export { TrainConfig } from "./run/config.ts";
export { type LayersAt, type MakeSchedule, prefixesUnder, rampedSchedule } from "./run/depth.ts";
export type { StepMetrics as TrainMetrics } from "./run/metrics.ts";
export { type OpenRun, openRun, type TrainOptions } from "./run/open-run.ts";
export { ReferenceStore } from "./run/reference-store.ts";
export { train, type TrainEvent, type TrainResult, type TrainUse } from "./run/train.ts";
