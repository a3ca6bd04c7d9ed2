// A translation is scored as sacreBLEU scores it.
import { bleu, chrf } from "@postgrad/metrics";

const translations = ["我昨天在北京买了三本书。", "他很高兴。"];
const references = [["昨天我在北京买了3本书。"], ["他非常高兴。", "他很高兴。"]];

const metric = bleu({ tokenize: "zh" });
console.log(metric.corpus(translations, references).score.toFixed(2), metric.signature("var"));
console.log(chrf().corpus(translations, references).score.toFixed(2));
