import type { Static, TObject } from "typebox";

import type { Output } from "./output.ts";

/** What a command is given beside its options. */
export interface Context {
  /** The folder that relative paths start from. */
  readonly cwd: string;
  readonly output: Output;
  /** Aborted by the first Ctrl-C: finish what is in hand, leave nothing half-written. */
  readonly signal: AbortSignal;
}

/** A sub-command of `postgrad`. Its options, their defaults, types and help all come from its schema. */
export interface Command<Options extends TObject = TObject> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** A command line that works from a clone, shown by `--help` and run by the tests. */
  readonly example: string;
  /** Names of options that may be given without their flag, in order; the last may end in "..." and takes all the rest. */
  readonly positionals: readonly string[];
  readonly options: Options;
  /** Throws on failure; the process exits with 2 for the user's mistakes and with 1 for failures. */
  run(options: Static<Options>, context: Context): Promise<void>;
}

/** Infers the type of a command's options from its schema. */
export function defineCommand<Options extends TObject>(command: Command<Options>): Command {
  return command;
}
