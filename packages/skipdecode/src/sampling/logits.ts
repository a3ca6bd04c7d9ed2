import { PostgradError } from "@postgrad/schema";

/** The likeliest token; the lowest id of several. */
export function argmax(logits: Float32Array): number {
  let best = -1;
  let value = -Infinity;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i]!;
    if (logit > value) {
      value = logit;
      best = i;
    } else if (Number.isNaN(logit)) {
      throw new PostgradError(
        "skipdecode/nan",
        `the model gave NaN as the logit of token ${i}; its weights are damaged or overflow in this precision, try fp32`,
        { fault: "system" },
      );
    }
  }
  if (best >= 0) return best;
  throw new PostgradError(
    "skipdecode/no-token",
    "no token may follow here: the constraint has masked all of them",
  );
}

/** Lowers, in place, the logits of the tokens in `seen` by the repetition penalty of Hugging Face (arXiv 1909.05858). */
export function penalise(logits: Float32Array, seen: Iterable<number>, penalty: number): void {
  for (const token of new Set(seen)) {
    const logit = logits[token]!;
    logits[token] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

/** Log of the sum of the exponentials of the logits: `logits[i] - logSumExp(logits)` is the log-probability of i. */
export function logSumExp(logits: Float32Array): number {
  let largest = -Infinity;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

/** The `count` likeliest tokens, likeliest first. */
export function topTokens(logits: Float32Array, count: number): number[] {
  const top: number[] = [];
  for (let token = 0; token < logits.length; token++) {
    if (top.length === count && !(logits[token]! > logits[top.at(-1)!]!)) continue;
    let place = top.length;
    while (place > 0 && logits[token]! > logits[top[place - 1]!]!) place--;
    top.splice(place, 0, token);
    if (top.length > count) top.pop();
  }
  return top;
}
