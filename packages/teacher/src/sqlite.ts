import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { PostgradError } from "@postgrad/schema";

/** Marks our files among SQLite's: "PGRD". */
const applicationId = 0x50475244;

/** SQLite's result codes that we put into words. */
const codes = { busy: 5, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 };

/** A database whose statements explain themselves when they fail. */
export interface Database {
  readonly db: DatabaseSync;
  /** Runs `work`; what SQLite throws becomes a `PostgradError` that names the file. */
  run<Value>(work: () => Value): Value;
  /** Runs `work` in one transaction: all of it is stored, or none. */
  transaction<Value>(work: () => Value): Value;
}

/**
 * Opens or makes the SQLite file at `path`, in write-ahead mode: what is committed survives the end of this process at any
 * moment, and several processes may use the file.
 *
 * @throws PostgradError `teacher/ledger-foreign`, `teacher/ledger-newer`, `teacher/ledger-corrupt`, `teacher/ledger-io`.
 */
export function openDatabase(path: string, version: number, schema: string): Database {
  const run = <Value>(work: () => Value): Value => {
    try {
      return work();
    } catch (error) {
      throw explained(error, path);
    }
  };
  const db = run(() => {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    const { DatabaseSync } = sqlite();
    return new DatabaseSync(path, { timeout: 10_000 });
  });
  const transaction = <Value>(work: () => Value): Value =>
    run(() => {
      db.exec("BEGIN IMMEDIATE");
      try {
        const value = work();
        db.exec("COMMIT");
        return value;
      } catch (error) {
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    });
  try {
    run(() => db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"));
    transaction(() => prepare(db, path, version, schema));
  } catch (error) {
    db.close();
    throw error;
  }
  return { db, run, transaction };
}

function prepare(db: DatabaseSync, path: string, version: number, schema: string): void {
  const number = (sql: string): number => Object.values(db.prepare(sql).get()!)[0] as number;
  const isEmpty = number("SELECT count(*) FROM sqlite_master") === 0;
  if (isEmpty) {
    db.exec(
      `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}; ${schema}`,
    );
    return;
  }
  if (number("PRAGMA application_id") !== applicationId)
    throw new PostgradError(
      "teacher/ledger-foreign",
      `${path} is a database of another program; name another file for the ledger`,
    );
  const found = number("PRAGMA user_version");
  if (found !== version)
    throw new PostgradError(
      "teacher/ledger-newer",
      `${path} is a ledger of version ${found}, and this is version ${version}; update Postgrad`,
    );
}

/** Node's SQLite, without the warning that it may still change. */
function sqlite(): typeof import("node:sqlite") {
  // oxlint-disable-next-line typescript/unbound-method -- it is put back, not called
  const { emitWarning } = process;
  process.emitWarning = () => {}; // only while the module is loaded, which is synchronous
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

function explained(error: unknown, path: string): unknown {
  if (error instanceof PostgradError) return error;
  const { errcode, code, message } = error as Error & { errcode?: number; code?: string };
  const said = (what: string, text: string, fault: "user" | "system"): PostgradError =>
    new PostgradError(`teacher/${what}`, `${path} ${text} (${message})`, { cause: error, fault });
  // The low byte is the primary code; the rest says more about it.
  switch ((errcode ?? 0) & 0xff) {
    case codes.notADatabase:
      return said("ledger-foreign", "is no SQLite file; name another file for the ledger", "user");
    case codes.corrupt:
      return said(
        "ledger-corrupt",
        "is damaged; restore a copy, or move it away and begin a new ledger",
        "system",
      );
    case codes.busy:
      return said("ledger-io", "is held by another process for more than 10 s", "system");
    case codes.full:
      return said("ledger-io", "cannot grow: the disk is full", "system");
    case codes.readOnly:
    case codes.cannotOpen:
      return said(
        "ledger-io",
        "cannot be opened for writing; check the path and its permissions",
        "user",
      );
    default:
      return code?.startsWith("E")
        ? said("ledger-io", "cannot be used as a ledger", "user")
        : error;
  }
}
