// A translation is scored as sacreBLEU scores it, and two models are compared so that chance is not taken for progress.
import {
  bleu,
  chrf,
  detectablePaired,
  discordant,
  holm,
  mcnemar,
  pairedBootstrap,
  sumRows,
  wilson,
} from "@postgrad/metrics";
import { random } from "@postgrad/schema";

const translations = ["我昨天在北京买了三本书。", "他很高兴。"];
const references = [["昨天我在北京买了3本书。"], ["他非常高兴。", "他很高兴。"]];

const metric = bleu({ tokenize: "zh" });
console.log(metric.corpus(translations, references).score.toFixed(2), metric.signature("var"));
console.log(chrf().corpus(translations, references).score.toFixed(2));

// Which effect could 200 items show, if the models differ on a tenth of them?
console.log(detectablePaired({ n: 200, discordant: 0.1 })?.toFixed(3));

// Verdicts of two models on the same 200 items.
const next = random("example");
const a = Array.from({ length: 200 }, () => next() < 0.6);
const b = a.map((right) => right || next() < 0.2);
console.log(wilson(b.filter(Boolean).length, b.length));
const p = mcnemar(discordant(a, b));
console.log(holm([p, 0.04]).map((adjusted) => adjusted.toPrecision(2))); // beside another task's p

// A score of a whole corpus is compared by its rows.
const texts = Array.from({ length: 40 }, (_, i) => `train ${i} leaves platform ${i % 7} at noon`);
const rowsOf = (hypotheses: readonly string[]): number[][] =>
  hypotheses.map((text, i) => bleu().statistics(text, [texts[i]!]));
const score = (rows: readonly number[][]): number => bleu().fromStatistics(sumRows(rows)).score;
const before = rowsOf(texts.map((text, i) => (i % 3 > 0 ? text : text.replace("noon", "night"))));
const after = rowsOf(texts.map((text, i) => (i % 8 > 0 ? text : text.replace("noon", "night"))));
console.log(pairedBootstrap(before, after, score, { random: random(1) }));
