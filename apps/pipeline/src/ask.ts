import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";

import { dropOf, readRows, writeRows } from "@postgrad/dataset";
import { type Example, type Message, PostgradError, type RawRow } from "@postgrad/schema";
import {
  ask as askOne,
  askAll,
  Budget,
  estimate,
  estimateText,
  type Ledger,
  openLedger,
  openTeacher,
  type OpenTeacher,
  Parameters,
  type Price,
  Progress,
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
    plan: Type.Boolean({
      default: false,
      description: "only estimate what asking would take, against what the ledger has",
    }),
    ledger: Type.String({
      default: ".postgrad/ledger.sqlite",
      description: "file that keeps every answer; the same question is never paid for twice",
    }),
    budgetCost: Type.Optional(
      Type.Number({ minimum: 0, description: "most US dollars to spend in this ledger" }),
    ),
    priceInput: Type.Optional(
      Type.Number({ minimum: 0, description: "US dollars for a million input tokens" }),
    ),
    priceOutput: Type.Optional(
      Type.Number({ minimum: 0, description: "US dollars for a million output tokens" }),
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
    const { teacher: name, prompt, in: source, out, plan, ledger: path } = given;
    const file = pathOf(context, path);
    await mkdir(dirname(file), { recursive: true });
    using ledger = openLedger(file);
    using progress = new Progress({
      output: { isTTY: context.output.isLive, write: (text) => process.stderr.write(text) },
    });
    const teacher = await openTeacher(name, {
      ...pick(TeacherConfig, given),
      ledger,
      price: priceOf(given.priceInput, given.priceOutput),
      budget: budgetOf(ledger, given.budgetCost, given.budgetTokens),
      onEvent: (event) => {
        // What the price is matters to who has set a limit in money.
        if (event.type === "notice" && given.budgetCost !== undefined)
          context.output.note(event.message);
        else progress.onEvent(event);
      },
    });
    const schema =
      given.schema === undefined ? undefined : await readSchema(pathOf(context, given.schema));
    const agent = askAgent(schema, pick(Parameters, given));
    if (source === undefined && !plan)
      return await askAbout(teacher, agent, textQuestion(prompt), context);
    const bad = badRows(given, out ?? "asked", context);
    await using _ = bad.log;
    const rows =
      source === undefined ? undefined : readRows(pathOf(context, source), undefined, bad.options);
    if (plan) {
      const what = await estimate(
        teacher,
        agent,
        rows ? questionsOf(rows, prompt) : [textQuestion(prompt)],
      );
      return context.output.result(what, estimateText(what));
    }
    if (out === undefined)
      throw new PostgradError(
        "cli/missing",
        "--out is missing: with --in the answers go to a file",
      );
    const written = await writeRows(
      pathOf(context, out),
      answered(teacher, agent, rows!, prompt, bad, context),
    );
    await reportWritten(context, written, bad, { spent: ledger.spent() });
  },
});

async function* questionsOf(
  rows: AsyncIterable<RawRow>,
  template: string | undefined,
): AsyncGenerator<{ messages: Message[] }> {
  for await (const row of rows) yield questionOf(row, template);
}

function textQuestion(prompt: string | undefined): { messages: Message[] } {
  if (prompt === undefined)
    throw new PostgradError("cli/missing", "--prompt or --in is missing: what is to be asked?");
  return { messages: [{ role: "user", content: prompt }] };
}

type AskAgent = ReturnType<typeof askAgent>;

async function askAbout(
  teacher: OpenTeacher,
  agent: AskAgent,
  question: { messages: Message[] },
  { output, signal }: Context,
): Promise<void> {
  const { value, lineage } = await askOne(teacher, agent, question, { signal });
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

function priceOf(input: number | undefined, output: number | undefined): Price | undefined {
  if (input === undefined && output === undefined) return undefined;
  return { input: input ?? 0, output: output ?? 0 };
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
