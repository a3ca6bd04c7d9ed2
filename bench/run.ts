// `npm run bench [-- NAME ...]`: runs the benchmarks (all, or those named), each in a process of its own, so that none
// inherits another's heap. A benchmark prints its table and stores it in `results/NAME.json`.
import { globSync } from "node:fs";
import { basename } from "node:path";

import { execa } from "execa";

const wanted = process.argv.slice(2);
const names = globSync("*.bench.ts", { cwd: import.meta.dirname }).map((file) =>
  basename(file, ".bench.ts"),
);
const unknown = wanted.find((name) => !names.includes(name));
if (unknown) {
  console.error(`there is no benchmark "${unknown}"; there are ${names.toSorted().join(", ")}`);
  process.exit(2);
}
for (const name of wanted.length > 0 ? wanted : names.toSorted()) {
  console.log(`\n# ${name}`);
  await execa("node", ["--expose-gc", `${import.meta.dirname}/${name}.bench.ts`], {
    stdio: "inherit",
  });
}
