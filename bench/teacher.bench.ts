// Asks per second of the machinery alone: a teacher in this process that answers at once, with a ledger on disk, and the
// same questions from the warm ledger. One core: everything runs on one thread.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ask, askAll, defineAgent, openLedger, teacherOf } from "@postgrad/teacher";
import { scripted } from "@postgrad/teacher/testing";
import { Type } from "typebox";

import { rate, report } from "./measure.ts";

const agent = defineAgent({
  id: "bench/rewrite",
  input: Type.Object({ passage: Type.String() }),
  output: Type.Object({ question: Type.String(), answer: Type.String() }),
  system: "You write one question about a passage, and its answer.",
  prompt: ({ passage }) => `Read the passage and write a question with its answer.\n\n${passage}`,
});
const model = scripted({
  "bench/rewrite": ({ passage }: { passage: string }) => ({
    question: `What does it say? ${passage.slice(0, 40)}`,
    answer: passage.slice(40, 120),
  }),
});
const filler = "Post-training takes a base model and a set of conversations. ".repeat(8);
const count = 5000;
const inputs = Array.from({ length: count }, (_, i) => ({ passage: `${i}. ${filler}` }));

const folder = mkdtempSync(join(tmpdir(), "bench-teacher-"));
let round = 0;
const fresh = () => openLedger(join(folder, `${round++}.sqlite`));

const cold = await rate("cold asks, ledger on disk", count, "asks", async () => {
  using ledger = fresh();
  for await (const _ of askAll(teacherOf(model, { ledger }), agent, inputs));
});
const bare = await rate("cold asks, no ledger", count, "asks", async () => {
  for await (const _ of askAll(teacherOf(model), agent, inputs));
});

using ledger = fresh();
const teacher = teacherOf(model, { ledger });
for await (const _ of askAll(teacher, agent, inputs));
const warm = await rate("warm asks, one by one", count, "asks", async () => {
  for (const input of inputs) await ask(teacher, agent, input);
});
const stream = await rate("warm asks, askAll", count, "asks", async () => {
  for await (const _ of askAll(teacher, agent, inputs));
});

report("teacher", [cold, bare, warm, stream]);
rmSync(folder, { recursive: true });
