#!/usr/bin/env node
import { commands } from "./commands.ts";
import { main } from "./main.ts";
import { processOutput } from "./output.ts";

const stop = new AbortController();
// The first Ctrl-C asks, the second one does not.
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
// A reader that has seen enough (`| head`) closes the pipe: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await main(commands, process.argv.slice(2), {
  cwd: process.cwd(),
  output: processOutput,
  signal: stop.signal,
});
