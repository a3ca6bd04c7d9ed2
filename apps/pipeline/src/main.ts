import { nearest, PostgradError } from "@postgrad/schema";

import type { Command } from "./command.ts";
import { commandHelp, overview } from "./help.ts";
import { parseOptions } from "./options.ts";
import type { Output } from "./output.ts";

/** What `main` needs from the process. */
export interface Process {
  readonly cwd: string;
  readonly output: (json: boolean) => Output;
  readonly signal: AbortSignal;
}

/**
 * Runs one command line and returns its exit code: 0, 2 for the user's mistakes, 1 for failures, 130 after Ctrl-C.
 * Of errors thrown on purpose the message is shown, of all others the stack.
 */
export async function main(
  commands: readonly Command[],
  argv: readonly string[],
  { cwd, output: open, signal }: Process,
): Promise<number> {
  const flags = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const output = open(flags.includes("--json"));
  const [name, ...rest] = argv;
  try {
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      output.write(overview(commands));
      return 0;
    }
    const command =
      commands.find((candidate) => candidate.name === name) ?? unknownCommand(commands, name);
    if (flags.includes("--help") || flags.includes("-h")) {
      output.write(commandHelp(command));
      return 0;
    }
    await command.run(parseOptions(command, rest), { cwd, output, signal });
    return 0;
  } catch (error) {
    return fail(error, output, signal);
  }
}

function unknownCommand(commands: readonly Command[], name: string): never {
  const names = commands.map((command) => command.name);
  const meant = nearest(name, names);
  throw new PostgradError(
    "cli/unknown-command",
    `there is no command "${name}"; ${meant ? `did you mean ${meant}?` : `there are ${names.join(", ")}`}`,
  );
}

function fail(error: unknown, output: Output, signal: AbortSignal): number {
  if (signal.aborted) {
    output.note(
      "postgrad: stopped; what was finished is kept, the same command goes on from there",
    );
    return 130;
  }
  const isOurs = error instanceof PostgradError;
  const text = isOurs
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
  if (output.json)
    output.result(
      {
        error: {
          code: isOurs ? error.code : "cli/unexpected",
          message: isOurs ? error.message : String(error),
        },
      },
      "",
    );
  output.note(`postgrad: ${text}`);
  return isOurs && error.fault === "user" ? 2 : 1;
}
