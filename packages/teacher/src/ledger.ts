import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { StatementSync } from "node:sqlite";

import type { AgentCall } from "@postgrad/schema";

import { type Clock, systemClock } from "./clock.ts";
import { type Database, openDatabase } from "./sqlite.ts";

/** A valid answer with where it comes from. */
export interface Answer<Value = unknown> {
  readonly value: Value;
  readonly lineage: AgentCall;
}

/** What was paid. */
export interface Spent {
  readonly answers: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Input and output together. */
  readonly tokens: number;
  /** US dollars, without what had no known price. */
  readonly cost: number;
}

/** Who may ask: this process, another one (look again later), or a batch that is under way. */
export type Claim = "mine" | "theirs" | { readonly batch: string };

const version = 1;
const schema = `
  CREATE TABLE answers (
    key TEXT PRIMARY KEY, agent TEXT NOT NULL, model TEXT NOT NULL, sample INTEGER NOT NULL, value TEXT NOT NULL,
    attempts INTEGER NOT NULL, input_tokens REAL NOT NULL, output_tokens REAL NOT NULL, cost REAL NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  -- Paid calls of questions that got no valid answer: accounted for, never an answer.
  CREATE TABLE wasted (
    key TEXT NOT NULL, agent TEXT NOT NULL, model TEXT NOT NULL,
    input_tokens REAL NOT NULL, output_tokens REAL NOT NULL, cost REAL NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  -- Questions that somebody is asking now. An owner is a process that shows itself, or "batch:ID".
  CREATE TABLE claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX claims_owner ON claims (owner);
  CREATE TABLE owners (
    id TEXT PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL, seen INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE batches (
    id TEXT PRIMARY KEY, model TEXT NOT NULL, agent TEXT NOT NULL, output TEXT NOT NULL, sample INTEGER NOT NULL,
    status TEXT NOT NULL, file TEXT NOT NULL, remote TEXT, requests INTEGER NOT NULL, tokens REAL NOT NULL, cost REAL NOT NULL, at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** A process that has not shown itself for so long is taken for dead. */
const leaseMs = 30_000;

/**
 * Every answer that was paid for, in one SQLite file, under the hash of what was asked. Several teachers, and several
 * processes, may share it. Close it, or bind it with `using`.
 */
export class Ledger implements Disposable {
  readonly path: string;
  /** What `once` is asking now, by key. */
  readonly inFlight = new Map<string, Promise<Answer>>();
  readonly database: Database;
  readonly clock: Clock;
  readonly #owner = randomUUID();
  readonly #sql: Record<keyof typeof statements, StatementSync>;
  #heartbeat: NodeJS.Timeout | undefined;

  /** Use `openLedger`. */
  constructor(path: string, clock: Clock) {
    this.path = path;
    this.clock = clock;
    this.database = openDatabase(path, version, schema);
    const prepared = Object.entries(statements).map(([name, sql]) => [
      name,
      this.database.db.prepare(sql),
    ]);
    this.#sql = Object.fromEntries(prepared) as Record<keyof typeof statements, StatementSync>;
  }

  /** The answer stored under `key`. */
  get(key: string): Answer | undefined {
    const row = this.database.run(() => this.#sql.get.get(key)) as AnswerRow | undefined;
    return row && answerOf(key, row);
  }

  /** Whether an answer is stored under `key`. */
  has(key: string): boolean {
    return this.database.run(() => this.#sql.has.get(key)) !== undefined;
  }

  /** Tries to become the one that asks `key`. Claims of processes that have died are taken over. */
  claim(key: string): Claim {
    this.#show();
    const isMine = (): boolean =>
      this.#sql.claim.run(key, this.#owner, this.clock.now() - leaseMs).changes === 1;
    return this.database.run(() => {
      if (isMine()) return "mine";
      const holder = this.#sql.holder.get(key) as unknown as HolderRow | undefined;
      if (holder?.owner.startsWith("batch:")) return { batch: holder.owner.slice("batch:".length) };
      if (holder && isDead(holder)) {
        this.#sql.bury.run(holder.owner);
        if (isMine()) return "mine";
      }
      return "theirs";
    });
  }

  /** Gives a claim back without an answer. */
  release(key: string): void {
    this.database.run(() => this.#sql.release.run(key, this.#owner));
  }

  /**
   * Stores an answer and ends its claim, in one transaction. Where an answer is there already, that one stays.
   *
   * @returns whether this answer was stored.
   */
  store({ value, lineage }: Answer): boolean {
    return this.database.transaction(() => this.storeWithin({ value, lineage }));
  }

  /** `store` inside a transaction of the caller's. */
  storeWithin({ value, lineage }: Answer): boolean {
    const { prompt, agent, model, sample = 0, attempts, inputTokens, outputTokens, cost } = lineage;
    const json = JSON.stringify(value);
    const now = this.clock.now();
    const { changes } = this.#sql.store.run(
      prompt,
      agent,
      model,
      sample,
      json,
      attempts,
      inputTokens,
      outputTokens,
      cost,
      now,
    );
    this.#sql.settle.run(prompt);
    return changes === 1;
  }

  /** Books paid calls that gave no valid answer. */
  waste({ prompt, agent, model, inputTokens, outputTokens, cost }: AgentCall): void {
    const now = this.clock.now();
    this.database.run(() =>
      this.#sql.waste.run(prompt, agent, model, inputTokens, outputTokens, cost, now),
    );
  }

  /** What the answers in this ledger, and the failures on the way to them, have cost. */
  spent(): Spent {
    const row = this.database.run(() => this.#sql.spent.get()) as unknown as Omit<Spent, "tokens">;
    return { ...row, tokens: row.inputTokens + row.outputTokens };
  }

  /** Gives back this process's claims and closes the file. */
  close(): void {
    if (!this.database.db.isOpen) return;
    clearInterval(this.#heartbeat);
    try {
      if (this.#heartbeat) this.#sql.abandon.run(this.#owner);
      if (this.#heartbeat) this.#sql.bury.run(this.#owner);
    } catch {
      // Claims that are not given back run out by themselves; what was wrong with the file has been told before.
    }
    this.database.db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Tells other processes, from the first claim on, that this one is alive. */
  #show(): void {
    if (this.#heartbeat) return;
    const beat = (): void => {
      this.#sql.show.run(this.#owner, process.pid, hostname(), this.clock.now());
    };
    this.database.run(beat);
    this.#heartbeat = setInterval(beat, leaseMs / 6);
    this.#heartbeat.unref();
  }
}

/** Opens the ledger at `path` (`:memory:` for none on disk), or begins it; folders on the way are made. */
export function openLedger(path: string, clock: Clock = systemClock): Ledger {
  return new Ledger(path, clock);
}

const statements = {
  get: "SELECT agent, model, sample, value, attempts, input_tokens, output_tokens, cost FROM answers WHERE key = ?",
  has: "SELECT 1 FROM answers WHERE key = ?",
  claim: `INSERT INTO claims (key, owner) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET owner = ?2
    WHERE owner NOT LIKE 'batch:%' AND owner NOT IN (SELECT id FROM owners WHERE seen > ?3)`,
  holder:
    "SELECT owner, pid, host FROM claims LEFT JOIN owners ON owners.id = claims.owner WHERE key = ?",
  release: "DELETE FROM claims WHERE key = ? AND owner = ?",
  settle: "DELETE FROM claims WHERE key = ?",
  abandon: "DELETE FROM claims WHERE owner = ?",
  show: `INSERT INTO owners (id, pid, host, seen) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET seen = ?4`,
  bury: "DELETE FROM owners WHERE id = ?",
  store: `INSERT INTO answers (key, agent, model, sample, value, attempts, input_tokens, output_tokens, cost, at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`,
  waste: `INSERT INTO wasted (key, agent, model, input_tokens, output_tokens, cost, at)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  spent: `SELECT coalesce(sum(n), 0) AS answers, coalesce(sum(input_tokens), 0) AS inputTokens,
      coalesce(sum(output_tokens), 0) AS outputTokens, coalesce(sum(cost), 0) AS cost
    FROM (SELECT 1 AS n, input_tokens, output_tokens, cost FROM answers
          UNION ALL SELECT 0, input_tokens, output_tokens, cost FROM wasted)`,
} as const;

interface AnswerRow {
  readonly agent: string;
  readonly model: string;
  readonly sample: number;
  readonly value: string;
  readonly attempts: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost: number;
}

interface HolderRow {
  readonly owner: string;
  readonly pid: number | null;
  readonly host: string | null;
}

function answerOf(key: string, row: AnswerRow): Answer {
  const { agent, model, sample, attempts, input_tokens, output_tokens, cost } = row;
  return {
    value: JSON.parse(row.value) as unknown,
    lineage: {
      agent,
      model,
      prompt: key,
      ...(sample > 0 && { sample }),
      attempts,
      inputTokens: input_tokens,
      outputTokens: output_tokens,
      cost,
    },
  };
}

/** Whether a claim's process has ended; of a process on another machine only its silence tells. */
function isDead({ pid, host }: HolderRow): boolean {
  if (pid === null) return true;
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
