import { Type } from "typebox";
import { describe, expect, test } from "vitest";

import { commands, defineCommand } from "../src/index.ts";
import { postgrad } from "./memory-process.ts";

let seen: unknown;
const cook = defineCommand({
  name: "cook",
  summary: "cooks",
  example: "postgrad cook soup",
  positionals: ["dish", "extras..."],
  options: Type.Object(
    {
      dish: Type.String({ description: "what" }),
      extras: Type.Optional(Type.Array(Type.String())),
      maxMinutes: Type.Integer({ default: 20, minimum: 1, description: "at most" }),
      style: Type.Optional(Type.Enum(["thai", "plain"])),
      salt: Type.Boolean({ default: true }),
    },
    { additionalProperties: false },
  ),
  run: (options) => {
    seen = options;
    if (options.dish === "bug") throw new TypeError("a bug");
    return Promise.resolve();
  },
});

const run = (...argv: string[]) => postgrad(argv, { of: [cook] });

describe("options", () => {
  test("come from the schema, with its defaults", async () => {
    expect((await run("cook", "soup")).code).toBe(0);
    expect(seen).toEqual({ dish: "soup", maxMinutes: 20, salt: true });
  });

  test("may follow or precede loose words; lists and negations work", async () => {
    await run(
      "cook",
      "--max-minutes",
      "5",
      "soup",
      "egg",
      "--no-salt",
      "leek",
      "--style=thai",
      "--extras",
      "oil",
    );
    expect(seen).toEqual({
      dish: "soup",
      extras: ["oil", "egg", "leek"],
      maxMinutes: 5,
      salt: false,
      style: "thai",
    });
  });

  test.each([
    [["cook"], "DISH is missing; see `postgrad cook --help`"],
    [
      ["cook", "soup", "--max-minuts", "5"],
      "unknown option --max-minuts; did you mean --max-minutes?",
    ],
    [["cook", "soup", "--max-minutes", "five"], '--max-minutes: found "five", expected a number'],
    [["cook", "soup", "--max-minutes"], "--max-minutes needs a value"],
    [["cook", "soup", "--max-minutes", "0"], "--max-minutes: found 0, must be >= 1"],
    [
      ["cook", "soup", "--style", "tai"],
      '--style: found "tai", expected one of "thai", "plain" (did you mean "thai"?)',
    ],
    [["cok"], 'there is no command "cok"; did you mean cook?'],
  ])("%j is the user's mistake", async (argv, message) => {
    const { code, out, err } = await run(...argv);
    expect({ code, out, err }).toEqual({ code: 2, out: "", err: `postgrad: ${message}\n` });
  });

  test("a mistake is one JSON object for machines", async () => {
    const { code, out } = await run("cook", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { code: "cli/missing" } });
  });
});

test("an unexpected error shows its stack and ends with 1", async () => {
  const { code, err } = await run("cook", "bug");
  expect(code).toBe(1);
  expect(err).toContain("TypeError: a bug\n    at ");
});

test("the help of a command shows every option and the example", async () => {
  expect((await run("cook", "--help")).out).toBe(`postgrad cook: cooks

Use: postgrad cook DISH EXTRAS... [OPTIONS]

  --dish TEXT            what
  --extras TEXT          (may be repeated)
  --max-minutes INTEGER  at most (default: 20)
  --style thai|plain
  --[no-]salt            (default: true)
  --json                 one JSON object, or one event a line, on standard output

Example:
  postgrad cook soup
`);
});

test.each(commands.map((command) => [command.name, command] as const))(
  "%s documents itself",
  async (name, command) => {
    const { code, out } = await postgrad([name, "--help"]);
    expect(code).toBe(0);
    expect(out).toContain(command.example);
    for (const [option, schema] of Object.entries(command.options.properties)) {
      expect(
        (schema as { description?: string }).description,
        `${option} of ${name} has a description`,
      ).toBeTruthy();
    }
  },
);

test("doctor finds this machine", async () => {
  const { out } = await postgrad(["doctor", "--json"]);
  const { findings } = JSON.parse(out) as {
    findings: { name: string; isThere: boolean; detail: string }[];
  };
  expect(findings.find(({ name }) => name === "machine")?.detail).toContain(process.versions.node);
});

test("doctor never shows a key", async () => {
  process.env["OPENAI_API_KEY"] = "sk-secret";
  try {
    const { out } = await postgrad(["doctor"]);
    expect(out).toContain("OPENAI_API_KEY is set");
    expect(out).not.toContain("sk-secret");
  } finally {
    delete process.env["OPENAI_API_KEY"];
  }
});
