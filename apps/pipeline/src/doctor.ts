import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";

import { execa } from "execa";
import { Type } from "typebox";

import { type Context, defineCommand } from "./command.ts";

/** One thing that this machine can or cannot do. */
interface Finding {
  readonly name: string;
  readonly isThere: boolean;
  readonly detail: string;
  /** How to get it. */
  readonly remedy?: string;
}

export const doctor = defineCommand({
  name: "doctor",
  summary: "says what this machine can do, and how to get the rest",
  example: "postgrad doctor",
  positionals: [],
  options: Type.Object({}, { additionalProperties: false }),
  run: async (_options, { cwd, output }: Context) => {
    const findings = await Promise.all([folder(cwd), ...programs()]);
    findings.unshift(machine(), ...providers());
    const text = findings.map(({ name, isThere, detail, remedy }) => {
      const line = `${isThere ? "✓" : "-"} ${name.padEnd(22)} ${detail}`;
      return isThere || !remedy ? line : `${line}; ${remedy}`;
    });
    output.result({ findings }, text.join("\n"));
  },
});

function machine(): Finding {
  const memory = `${gib(totalmem())} GiB of memory, ${gib(freemem())} free`;
  return {
    name: "machine",
    isThere: true,
    detail: `${process.platform}-${process.arch}, ${availableParallelism()} cores, ${memory}, Node ${process.versions.node}`,
  };
}

async function folder(cwd: string): Promise<Finding> {
  const isThere = await access(cwd, constants.W_OK).then(
    () => true,
    () => false,
  );
  return {
    name: "this folder",
    isThere,
    detail: isThere ? "can be written" : "cannot be written",
    remedy: "run from a folder of your own",
  };
}

/** Hosted teachers: only whether the key is there, never a part of it. */
function providers(): Finding[] {
  const keys = {
    openai: "OPENAI_API_KEY",
    anthropic: "ANTHROPIC_API_KEY",
    azure: "AZURE_API_KEY",
    google: "GOOGLE_GENERATIVE_AI_API_KEY",
  };
  return Object.entries(keys).map(([name, variable]) => {
    const isThere = Boolean(process.env[variable]);
    return {
      name: `teacher ${name}:...`,
      isThere,
      detail: `${variable} is ${isThere ? "set" : "not set"}`,
      remedy: `export ${variable}=...`,
    };
  });
}

function programs(): Promise<Finding>[] {
  return [
    program("python3", ["--version"], "apt-get install python3"),
    python("trl", 'needed for backend "trl": pip install trl'),
    python("accelerate", 'needed for backend "trl": pip install accelerate'),
    python("torch", 'needed for backend "trl": pip install torch'),
    program(
      "nvidia-smi",
      ["--query-gpu=name,memory.total", "--format=csv,noheader"],
      "no NVIDIA GPU or driver",
    ),
    program("apertium", ["--version"], "apt-get install apertium"),
    program("redis-server", ["--version"], "apt-get install redis-server"),
  ];
}

async function program(file: string, args: string[], remedy: string): Promise<Finding> {
  const { failed, stdout, stderr } = await execa(file, args, {
    reject: false,
    timeout: 10_000,
    stdin: "ignore",
  });
  const [detail = "found"] = `${stdout}\n${stderr}`.trim().split("\n");
  return failed
    ? { name: file, isThere: false, detail: "not found", remedy }
    : { name: file, isThere: true, detail };
}

async function python(module: string, remedy: string): Promise<Finding> {
  const code = `import importlib.metadata as m; print(m.version(${JSON.stringify(module)}))`;
  return { ...(await program("python3", ["-c", code], remedy)), name: `python: ${module}` };
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
