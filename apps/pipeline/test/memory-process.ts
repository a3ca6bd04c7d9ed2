import { main, type Output } from "../src/index.ts";
import { commands } from "../src/index.ts";
import type { Command } from "../src/index.ts";

/** Runs a command line in this process; returns its exit code and what it wrote. */
export async function postgrad(
  argv: readonly string[],
  { cwd = process.cwd(), of = commands }: { cwd?: string; of?: readonly Command[] } = {},
) {
  let out = "";
  let err = "";
  const output = (json: boolean): Output => ({
    json,
    isLive: false,
    result: (value, text) => (out += json ? `${JSON.stringify(value)}\n` : `${text}\n`),
    write: (text) => (out += json ? "" : text),
    note: (text) => (err += `${text}\n`),
  });
  const code = await main(of, argv, { cwd, output, signal: new AbortController().signal });
  return { code, out, err };
}
