import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { AgentCall } from "@postgrad/schema";

import type { Agent } from "./agent.ts";
import type { Answer, Ledger } from "./ledger.ts";

/** A batch as the ledger keeps it. */
export interface Batch {
  readonly id: string;
  /** The teacher's name. */
  readonly model: string;
  /** The agent's id, its output schema as JSON, and the sample that was asked for. */
  readonly agent: string;
  readonly output: string;
  readonly sample: number;
  /** `written`: a file; `starting`: uploaded, perhaps started; `started`: under way at the provider; `collected`: done. */
  readonly status: "written" | "starting" | "started" | "collected";
  /** The JSONL file with its requests. */
  readonly file: string;
  /** The provider's id: of the uploaded file while `starting`, of the batch when `started`. */
  readonly remote: string | null;
  readonly requests: number;
  /** The most tokens, and US dollars at list price, that it can take. */
  readonly tokens: number;
  readonly cost: number;
}

/** One line of a batch file. */
export interface BatchLine {
  readonly key: string;
  readonly line: string;
  readonly tokens: number;
  readonly cost: number;
}

const columns = "id, model, agent, output, sample, status, file, remote, requests, tokens, cost";

/** The batches of a model that are not collected, oldest first. */
export function openBatches({ database }: Ledger, model: string): Batch[] {
  const sql = `SELECT ${columns} FROM batches WHERE model = ? AND status <> 'collected' ORDER BY at, id`;
  return database.run(() => database.db.prepare(sql).all(model)) as unknown as Batch[];
}

/**
 * Writes a batch of those lines whose questions nobody asks yet; `undefined` where there are none. File, claims and batch
 * come into being together: the file has its name before the transaction ends, and means nothing without it.
 */
export function writeBatch(
  { database, clock }: Ledger,
  asked: { readonly model: string; readonly agent: Agent; readonly sample: number },
  folder: string,
  lines: readonly BatchLine[],
): Batch | undefined {
  const { model, agent, sample } = asked;
  const id = randomUUID();
  const file = join(folder, `batch-${id}.jsonl`);
  return database.transaction(() => {
    const claim = database.db.prepare(
      "INSERT INTO claims (key, owner) VALUES (?, ?) ON CONFLICT DO NOTHING",
    );
    const free = lines.filter(({ key }) => claim.run(key, `batch:${id}`).changes === 1);
    if (free.length === 0) return undefined;
    mkdirSync(folder, { recursive: true });
    writeWhole(file, free.map(({ line }) => `${line}\n`).join(""));
    const sum = (of: "tokens" | "cost"): number => free.reduce((all, line) => all + line[of], 0);
    const batch: Batch = {
      id,
      model,
      agent: agent.id,
      output: agent.outputJson,
      sample,
      status: "written",
      file,
      remote: null,
      requests: free.length,
      tokens: sum("tokens"),
      cost: sum("cost"),
    };
    const names = columns.split(", ");
    database.db
      .prepare(
        `INSERT INTO batches (${columns}, at) VALUES (${names.map(() => "?").join(", ")}, ?)`,
      )
      .run(...names.map((name) => batch[name as keyof Batch]), clock.now());
    return batch;
  });
}

/** Notes how far a batch has got. */
export function advance(
  { database }: Ledger,
  batch: Batch,
  status: Batch["status"],
  remote: string,
): Batch {
  const sql = "UPDATE batches SET status = ?, remote = ? WHERE id = ?";
  database.run(() => database.db.prepare(sql).run(status, remote, batch.id));
  return { ...batch, status, remote };
}

/** The keys of a batch's questions; none after it is collected. */
export function keysOf({ database }: Ledger, { id }: Batch): Set<string> {
  const sql = "SELECT key FROM claims WHERE owner = ?";
  const rows = database.run(() => database.db.prepare(sql).all(`batch:${id}`));
  return new Set(rows.map(({ key }) => key as string));
}

/** Stores a batch's answers and ends it, in one transaction: it is merged once, or not at all. */
export function closeBatch(
  ledger: Ledger,
  batch: Batch,
  answers: readonly Answer[],
  wasted: readonly AgentCall[] = [],
): void {
  const { database } = ledger;
  database.transaction(() => {
    const sql = "UPDATE batches SET status = 'collected' WHERE id = ? AND status <> 'collected'";
    if (database.db.prepare(sql).run(batch.id).changes === 0) return; // another process was first
    for (const answer of answers) ledger.storeWithin(answer);
    for (const call of wasted) ledger.waste(call);
    database.db.prepare("DELETE FROM claims WHERE owner = ?").run(`batch:${batch.id}`);
  });
}

/** Under its name there is the whole file or none. */
function writeWhole(file: string, text: string): void {
  const part = `${file}.part`;
  const handle = openSync(part, "w");
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(part, file);
}
