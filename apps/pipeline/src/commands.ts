import type { Command } from "./command.ts";
import { doctor } from "./doctor.ts";

/** Every sub-command. Adding one is a file beside this and a line here. */
export const commands: readonly Command[] = [doctor];
