// A run too large for one machine: the recipe of a paper, written for a cluster of four machines, started by nobody yet.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { handOff, presetNamed, presetRows, presetSettings } from "@postgrad/train";

const folder = mkdtempSync(join(tmpdir(), "postgrad-train-trl-"));

// 1. the recipe: every value says how well it is known
const { title, settings } = presetNamed("contrastive-alpaca-d-dpo");
console.log(`${title}, ${presetRows("contrastive-alpaca-d-dpo", 0.125)?.value} rows`);
for (const [name, { value, source }] of Object.entries(settings))
  console.log(`  ${name.padEnd(12)}${String(value).padEnd(8)}${source}`);

// 2. the pairs, in the order in which they shall be learnt: easy ones first
const pairs = ["easy", "easy", "hard"].map((tier, i) => ({
  prompt: [{ role: "user", content: `What is ${i} + ${i}?` }],
  chosen: [{ role: "assistant", content: `${i + i}` }],
  rejected: [{ role: "assistant", content: tier === "easy" ? "Blue." : `${i + i + 1}` }],
  meta: { tier },
}));

// 3. everything that the cluster needs; without `dryRun` the training starts and its model comes back to `out`
const { commands, rows } = await handOff(
  {
    ...presetSettings("contrastive-alpaca-d-dpo", { scale: 0.125, backend: "trl" }),
    model: "huggyllama/llama-7b",
    out: join(folder, "dpo"),
    parallelism: "zero3",
    gpus: 8,
    machines: 4,
    slurm: true,
    dryRun: true,
  },
  { rows: pairs },
);
console.log(`\n${rows} pairs written; start with: ${commands.join("\n").replace(folder, "runs")}`);
console.log(readFileSync(join(folder, "dpo.trl/accelerate.yaml"), "utf8"));
rmSync(folder, { recursive: true });
