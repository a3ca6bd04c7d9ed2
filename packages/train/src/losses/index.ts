import { dpoNorm } from "./dpo-norm.ts";
import { dpo } from "./dpo.ts";
import { hinge } from "./hinge.ts";
import { ipo } from "./ipo.ts";
import type { Loss } from "./loss.ts";
import { sft } from "./sft.ts";
import { slic } from "./slic.ts";

/** Every loss. Adding one is a file beside this and a line here. */
export const losses: readonly Loss[] = [sft, dpo, ipo, slic, hinge, dpoNorm];
