// Asking about a stream of inputs: an estimate first, a budget for the run, answers in order, rows that drop out.
import {
  askAll,
  Budget,
  defineAgent,
  estimate,
  estimateText,
  openLedger,
  teacherOf,
} from "@postgrad/teacher";
import { scripted } from "@postgrad/teacher/testing";
import { Type } from "typebox";

const summary = defineAgent({
  id: "example/summary",
  input: Type.Object({ text: Type.String() }),
  output: Type.Object({ summary: Type.String({ minLength: 1 }) }),
  prompt: ({ text }) => `Summarise in five words:\n\n${text}`,
  parameters: { temperature: 0, maxOutputTokens: 40 },
});
const model = scripted({
  "example/summary": ({ text }: { text: string }) =>
    text.includes("illegible")
      ? "I cannot read this."
      : { summary: text.split(" ").slice(0, 5).join(" ") },
});

using ledger = openLedger(":memory:");
const budget = new Budget({ cost: 0.05 }, ledger.spent()); // for all teachers of a run; what it has spent before counts
const teacher = teacherOf(model, {
  ledger,
  budget,
  price: { input: 2, output: 8 },
  concurrency: 8,
});
const inputs = [
  { text: "A rose is a rose is a rose." },
  { text: "illegible" },
  { text: "It was the best of times, it was the worst of times." },
];

console.log(estimateText(await estimate(teacher, summary, inputs)));
for await (const { input, value, drop } of askAll(teacher, summary, inputs))
  console.log(drop ? `dropped (${drop.code}): ${input.text}` : value.summary);
console.log(`${ledger.spent().answers} answers, $${budget.spent.cost.toFixed(6)}`);
