/** Where a command's words go: results to standard output, everything else to standard error. */
export interface Output {
  /** Whether machines read: then standard output carries JSON and nothing else. */
  readonly json: boolean;
  /** Whether a person watches standard error. */
  readonly isLive: boolean;
  /** A result: `value` for machines, `text` for people. One line of JSON for each call with `--json`. */
  result(value: unknown, text: string): void;
  /** Text of a result as it is, for commands that write records or generated text; left out with `--json`. */
  write(text: string): void;
  /** A remark for a person, on standard error. */
  note(text: string): void;
}

/** The output of a process. */
export function processOutput(json: boolean): Output {
  return {
    json,
    isLive: process.stderr.isTTY ?? false,
    result: (value, text) => {
      process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`);
    },
    write: (text) => {
      if (!json) process.stdout.write(text);
    },
    note: (text) => {
      process.stderr.write(`${text}\n`);
    },
  };
}
