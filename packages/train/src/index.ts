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
