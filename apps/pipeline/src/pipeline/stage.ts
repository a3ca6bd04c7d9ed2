import type { Drop, PipelineConfig } from "@postgrad/schema";

/** What a stage works with. */
export interface StageContext {
  readonly config: PipelineConfig;
  /** Folder of raw documents. */
  readonly seeds: string;
  /** Where this stage's rows go: a folder in the hub's layout. */
  readonly out: string;
  /** Where an earlier stage's rows are. */
  readonly rowsOf: (stage: string) => string;
  /** Counts a row that leaves the stream, and keeps it beside the output. */
  readonly onDrop: (drop: Drop) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A step of the pipeline: a pure function of its inputs and its part of the configuration. */
export interface Stage {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /** Earlier stages whose rows it reads. */
  readonly inputs: readonly string[];
  /** Raised when the code changes what comes out; part of the key. */
  readonly version: number;
  /** What else the rows hang on: the settings that it reads, a hash of the files that it reads. Part of the key; may be a promise. */
  settings(context: Pick<StageContext, "config" | "seeds">): unknown;
  /** Writes the rows; returns how many came in and how many went out. */
  run(context: StageContext): Promise<{ readonly in: number; readonly out: number }>;
}
