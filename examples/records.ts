// Rows of other tools become records, and what is wrong with a row is said in one line.
import { parseRecord, records } from "@postgrad/schema";

const row = { instruction: "Name the capital of France.", input: "", output: "Paris." }; // Alpaca's columns
const example = parseRecord(records.example, row);
console.log(example.messages);

try {
  parseRecord(
    records.example,
    { messages: [{ role: "asistant", content: "Paris." }] },
    { file: "rows.jsonl", line: 3 },
  );
} catch (error) {
  console.log(String(error));
}
