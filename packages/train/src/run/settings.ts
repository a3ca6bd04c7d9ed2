import { canonicalJson, PostgradError } from "@postgrad/schema";

import type { RunState } from "../checkpoint/resume-state.ts";
import type { TrainConfig } from "./config.ts";

/** Options that say where and how often, and decide nothing about the weights. */
const free = new Set(["out", "resume", "saveEvery", "keep", "threads", "data", "batchTokens"]);

/** The settings that a resumed run must share with the one before. */
export function decidingSettings(config: TrainConfig): Record<string, unknown> {
  const entries = Object.entries(config).filter(
    ([name, value]) => !free.has(name) && value !== undefined,
  );
  return JSON.parse(canonicalJson(Object.fromEntries(entries))) as Record<string, unknown>;
}

/** Throws `train/other-run` where a checkpoint comes from other settings, or from other rows. */
export function checkSameSettings(
  folder: string,
  state: RunState,
  config: TrainConfig,
  order: string,
): void {
  const now = decidingSettings(config);
  const names = [...new Set([...Object.keys(now), ...Object.keys(state.settings)])];
  const other = names.find(
    (name) => canonicalJson({ v: now[name] }) !== canonicalJson({ v: state.settings[name] }),
  );
  const shown = (value: unknown): string => JSON.stringify(value) ?? "not set";
  if (other !== undefined) {
    throw new PostgradError(
      "train/other-run",
      `${folder} comes from another run: ${other} was ${shown(state.settings[other])} and is ${shown(now[other])}; give the same options, or another folder`,
    );
  }
  if (state.order === order) return;
  throw new PostgradError(
    "train/other-run",
    `${folder} comes from other rows or another order of them: give the same data, or another folder`,
  );
}
