// Asking a model: an agent, a teacher, a ledger. The model here answers from a function; any model of the AI SDK does.
import { ask, defineAgent, openLedger, teacherOf } from "@postgrad/teacher";
import { scripted } from "@postgrad/teacher/testing";
import { Type } from "typebox";

const capital = defineAgent({
  id: "example/capital",
  input: Type.Object({ country: Type.String() }),
  output: Type.Object({ capital: Type.String(), sure: Type.Boolean() }),
  prompt: ({ country }) => `Name the capital of ${country}, and say whether you are sure.`,
});

let calls = 0;
const model = scripted({
  "example/capital": () => {
    calls++;
    // The first answer lacks a field: it is sent back with what is wrong with it.
    return calls === 1 ? { capital: "Paris" } : { capital: "Paris", sure: true };
  },
});

using ledger = openLedger(":memory:"); // a path keeps it: runs/default/ledger.sqlite
const teacher = teacherOf(model, { ledger, price: { input: 2, output: 8 } });

const first = await ask(teacher, capital, { country: "France" });
const again = await ask(teacher, capital, { country: "France" }); // not asked: the ledger has it

console.log(first.value);
console.log(`${first.lineage.attempts} calls, $${first.lineage.cost.toFixed(6)}`);
console.log(`the same answer again: ${again.value.capital}, still ${calls} calls`);
