import type { Job } from "./job.ts";

/** A Python package that a job needs. */
export interface Requirement {
  readonly package: string;
  /** The oldest version that works. */
  readonly minimum: string;
  /** What it is needed for. */
  readonly use: string;
}

/** The oldest Python that TRL runs on. */
export const minimumPython = "3.10";

/** The packages that `job` needs, with the oldest versions that its files are written for. */
export function requirementsOf({ config, parallelism, attention }: Job): Requirement[] {
  return [
    { package: "torch", minimum: "2.4", use: "training" },
    { package: "transformers", minimum: "4.56.2", use: "models and tokenizers" },
    { package: "accelerate", minimum: "1.7.0", use: "starting the processes" },
    { package: "datasets", minimum: "4.7.0", use: "the tokenised rows" },
    { package: "trl", minimum: "1.9.0", use: "the trainers" },
    ...(parallelism === "zero3"
      ? [{ package: "deepspeed", minimum: "0.14.4", use: 'parallelism "zero3"' }]
      : []),
    ...(config.loraRank > 0 ? [{ package: "peft", minimum: "0.8.0", use: "LoRA" }] : []),
    ...(attention === "flash_attention_2"
      ? [{ package: "flash-attn", minimum: "2.3.0", use: `attention "${attention}"` }]
      : []),
  ];
}

/** Whether `version` (PEP 440, e.g. `2.9.0+cu128`) is `minimum` or later, by its release numbers. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [have, want] = [version, minimum].map((text) => text.split(/[^0-9.]/)[0]!.split("."));
  for (const [i, digits] of want!.entries()) {
    const difference = Number(have![i] || 0) - Number(digits);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
