import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";

import type { Checkpoint } from "@postgrad/model";

/**
 * Log-probabilities of a frozen reference by content id of the text: `reference-logps.jsonl`, one line each. Lines are only ever
 * appended, so a kill loses none; what other rows, another order or another filter leave is found again. Each line names the
 * reference by a fingerprint of its weights: those of another one are not read.
 */
export class ReferenceStore {
  readonly #file: string;
  readonly #reference: string;
  readonly #known = new Map<string, number>();

  private constructor(file: string, reference: string) {
    this.#file = file;
    this.#reference = reference;
  }

  /** Reads what is there. A last line that a kill cut short is skipped. */
  static async open(file: string, reference: string): Promise<ReferenceStore> {
    const store = new ReferenceStore(file, reference);
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    for (const line of text.split("\n")) {
      const entry = parsed(line);
      if (entry?.reference === reference) store.#known.set(entry.id, entry.logp);
    }
    return store;
  }

  /** The stored log-probability of a text, or undefined. */
  get(id: string): number | undefined {
    return this.#known.get(id);
  }

  /** Stores log-probabilities; they are on the disk when the promise resolves. */
  async add(entries: readonly (readonly [id: string, logp: number])[]): Promise<void> {
    if (entries.length === 0) return;
    const lines = entries.map(([id, logp]) =>
      JSON.stringify({ id, reference: this.#reference, logp }),
    );
    await mkdir(dirname(this.#file), { recursive: true });
    // The line break in front ends a line that a kill may have cut short.
    await appendFile(this.#file, `\n${lines.join("\n")}\n`, { flush: true });
    for (const [id, logp] of entries) this.#known.set(id, logp);
  }
}

interface Entry {
  readonly id: string;
  readonly reference: string;
  readonly logp: number;
}

function parsed(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null;
    return typeof entry?.id === "string" && typeof entry.logp === "number"
      ? (entry as Entry)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A fingerprint of a checkpoint's weights and configuration. */
export async function fingerprint(checkpoint: Checkpoint): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(checkpoint.config));
  for (const name of checkpoint.decoder.tensors.keys()) {
    const { data, type } = checkpoint.place(name);
    hash.update(`${name} ${type} `);
    const range = { start: data.offset, end: data.offset + data.length - 1 };
    for await (const piece of createReadStream(data.path, range)) hash.update(piece as Buffer);
  }
  return hash.digest("hex").slice(0, 32);
}
