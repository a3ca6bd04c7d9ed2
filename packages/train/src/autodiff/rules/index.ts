import type { GradientRule } from "../rule.ts";
import { activationRules } from "./activation.ts";
import { arithmeticRules } from "./arithmetic.ts";
import { matrixRules } from "./matrix.ts";
import { normalizationRules } from "./normalization.ts";
import { reductionRules } from "./reduction.ts";
import { rotaryRules } from "./rotary.ts";
import { selectionRules } from "./selection.ts";
import { shapeRules } from "./shape.ts";

/** The gradient of each operator, by its name. Adding one is a line in its group, or a file beside these and a line here. */
export const rules: Readonly<Record<string, GradientRule>> = {
  ...arithmeticRules,
  ...activationRules,
  ...matrixRules,
  ...normalizationRules,
  ...reductionRules,
  ...rotaryRules,
  ...selectionRules,
  ...shapeRules,
};
