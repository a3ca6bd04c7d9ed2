import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";

import { dropOf, readRows, writeRows } from "@postgrad/dataset";
import { type Example, PostgradError, type RawRow } from "@postgrad/schema";
import {
  ask as askOne,
  askAll,
  Budget,
  type Ledger,
  openLedger,
  openTeacher,
  type OpenTeacher,
  Parameters,
  TeacherConfig,
} from "@postgrad/teacher";
import { type TObject, Type } from "typebox";

import { answeredRow, askAgent, questionOf } from "./ask-question.ts";
import { badRowOptions, badRows, type BadRows } from "./bad-rows.ts";
import { type Context, defineCommand } from "./command.ts";
import { pathOf } from "./paths.ts";
import { reportWritten } from "./report-written.ts";

const options = Type.Object(
  {
    teacher: Type.String({
      description:
        "provider:model, e.g. openai:gpt-4.1 or compatible:http://127.0.0.1:8000/v1#name",
    }),
    prompt: Type.Optional(
      Type.String({ description: "the question; with --in a template with {field} for each row" }),
    ),
    in: Type.Optional(
      Type.String({
        description: "rows to ask about; without --prompt their own conversations are asked",
      }),
    ),
    out: Type.Optional(Type.String({ description: "file to write the answered conversations to" })),
    schema: Type.Optional(
      Type.String({ description: "file with a JSON Schema of an object: answers are JSON of it" }),
    ),
    ledger: Type.String({
      default: ".postgrad/ledger.sqlite",
      description: "file that keeps every answer; the same question is never paid for twice",
    }),
    budgetCost: Type.Optional(
      Type.Number({ minimum: 0, description: "most US dollars to spend in this ledger" }),
    ),
    budgetTokens: Type.Optional(
      Type.Integer({ minimum: 0, description: "most tokens to spend in this ledger" }),
    ),
    ...Parameters.properties,
    ...TeacherConfig.properties,
    ...badRowOptions,
  },
  { additionalProperties: false },
);

export const ask = defineCommand({
  name: "ask",
  summary: "asks a language model once, or about every row of a file",
  example: 'postgrad ask --teacher openai:gpt-4.1 --prompt "What is post-training?"',
  positionals: [],
  options,
  run: async (given, context) => {
    const {
      teacher: name,
      prompt,
      in: source,
      out,
      schema,
      ledger: path,
      budgetCost,
      budgetTokens,
      onBadRow,
      drops,
      ...rest
    } = given;
    const file = pathOf(context, path);
    await mkdir(dirname(file), { recursive: true });
    using ledger = openLedger(file);
    const teacher = await openTeacher(name, {
      ...pick(TeacherConfig, rest),
      ledger,
      budget: budgetOf(ledger, budgetCost, budgetTokens),
    });
    const agent = askAgent(
      schema === undefined ? undefined : await readSchema(pathOf(context, schema)),
      pick(Parameters, rest),
    );
    if (source === undefined) return await askAbout(teacher, agent, prompt, context);
    if (out === undefined)
      throw new PostgradError(
        "cli/missing",
        "--out is missing: with --in the answers go to a file",
      );
    const bad = badRows({ onBadRow, ...(drops !== undefined && { drops }) }, out, context);
    await using _ = bad.log;
    const answers = answered(
      teacher,
      agent,
      readRows(pathOf(context, source), undefined, bad.options),
      prompt,
      bad,
      context,
    );
    await reportWritten(context, await writeRows(pathOf(context, out), answers), bad, {
      spent: ledger.spent(),
    });
  },
});

type AskAgent = ReturnType<typeof askAgent>;

async function askAbout(
  teacher: OpenTeacher,
  agent: AskAgent,
  prompt: string | undefined,
  { output, signal }: Context,
): Promise<void> {
  if (prompt === undefined)
    throw new PostgradError("cli/missing", "--prompt or --in is missing: what is to be asked?");
  const { value, lineage } = await askOne(
    teacher,
    agent,
    { messages: [{ role: "user", content: prompt }] },
    { signal },
  );
  output.result(
    { value, lineage },
    typeof value === "string" ? value : JSON.stringify(value, null, 2),
  );
}

/** The answered rows in the order of the rows; questions without a valid answer go to the side file. */
async function* answered(
  teacher: OpenTeacher,
  agent: AskAgent,
  rows: AsyncIterable<RawRow>,
  template: string | undefined,
  { log }: BadRows,
  { signal }: Context,
): AsyncGenerator<Example> {
  const waiting: RawRow[] = []; // rows that were asked and not yet answered; as many as `askAll` looks ahead
  async function* questions() {
    for await (const row of rows) {
      const question = questionOf(row, template);
      waiting.push(row);
      yield question;
    }
  }
  for await (const asked of askAll(teacher, agent, questions(), { signal })) {
    const row = waiting.shift()!;
    if (asked.drop) await log.add(dropOf(asked.drop.code, asked.drop.reason, { row }));
    else yield answeredRow(row, asked.input.messages, asked.value, asked.lineage);
  }
}

function budgetOf(
  ledger: Ledger,
  cost: number | undefined,
  tokens: number | undefined,
): Budget | undefined {
  if (cost === undefined && tokens === undefined) return undefined;
  return new Budget(
    { ...(cost !== undefined && { cost }), ...(tokens !== undefined && { tokens }) },
    ledger.spent(),
  );
}

async function readSchema(path: string): Promise<TObject> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as TObject;
  } catch (error) {
    throw new PostgradError(
      "cli/schema",
      `${path}: ${error instanceof SyntaxError ? "is no JSON" : "cannot be read"} (${(error as Error).message})`,
      { cause: error },
    );
  }
}

/** Of all options those that `schema` has. */
function pick<Schema extends TObject>(
  schema: Schema,
  given: Record<string, unknown>,
): Type.Static<Schema> {
  return Object.fromEntries(
    Object.entries(given).filter(([key]) => key in schema.properties),
  ) as Type.Static<Schema>;
}
