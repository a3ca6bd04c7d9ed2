// Writes version after version to one target until it is killed; says which ones are complete.
import { writeRows } from "../../src/index.ts";

const [target = "", first = "0"] = process.argv.slice(2);

async function* version(v: number) {
  // The length differs from version to version, so that a mixture of two shows.
  for (let n = 0; n < 200 + (v % 7) * 50; n++) yield { v, n, text: "some text ".repeat(20) };
}

for (let v = Number(first); ; v++) {
  await writeRows(target, version(v), undefined, {
    splitOf: (row) => ((row as { n: number }).n % 10 === 0 ? "test" : "train"),
    maxFileBytes: 20_000,
  });
  process.stdout.write(`${v}\n`);
}
