// Takes a file through read, dedup, split and write, and says in one line of JSON what memory and time it took.
import { dedup, readRows, splitter, writeRows } from "@postgrad/dataset";
import { records } from "@postgrad/schema";

const [source = "", target = ""] = process.argv.slice(2);
const start = performance.now();
let peak = 0;
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
const splitOf = splitter({ train: 0.9, validation: 0.05, test: 0.05 });
const rows = dedup()(readRows(source, records.example));
const written = await writeRows(target, rows, undefined, { splitOf });
clearInterval(watch);
const seconds = (performance.now() - start) / 1000;
const highest = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ rows: written.rows, seconds, peak: Math.max(peak, highest) }));
