/** US dollars for a million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/**
 * List prices of well-known models, in US dollars for a million input and output tokens, without discounts for cached
 * input or batches. They are those of 2025, written down from memory and not compared with the providers' pages; what you
 * pay may differ, so give `price` where it matters. Adding a model is a line here.
 */
export const prices: Readonly<Record<string, Price>> = {
  "openai:gpt-4.1": { input: 2, output: 8 },
  "openai:gpt-4.1-mini": { input: 0.4, output: 1.6 },
  "openai:gpt-4.1-nano": { input: 0.1, output: 0.4 },
  "openai:gpt-4o": { input: 2.5, output: 10 },
  "openai:gpt-4o-mini": { input: 0.15, output: 0.6 },
  "openai:gpt-5": { input: 1.25, output: 10 },
  "openai:gpt-5-mini": { input: 0.25, output: 2 },
  "openai:gpt-5-nano": { input: 0.05, output: 0.4 },
  "openai:o3": { input: 2, output: 8 },
  "openai:o4-mini": { input: 1.1, output: 4.4 },
  "anthropic:claude-opus-4-1": { input: 15, output: 75 },
  "anthropic:claude-opus-4-5": { input: 5, output: 25 },
  "anthropic:claude-sonnet-4-0": { input: 3, output: 15 },
  "anthropic:claude-sonnet-4-5": { input: 3, output: 15 },
  "anthropic:claude-haiku-4-5": { input: 1, output: 5 },
  "anthropic:claude-3-5-haiku": { input: 0.8, output: 4 },
  // Above 200,000 input tokens Gemini 2.5 Pro costs more; no prompt of ours is that long.
  "google:gemini-2.5-pro": { input: 1.25, output: 10 },
  "google:gemini-2.5-flash": { input: 0.3, output: 2.5 },
  "google:gemini-2.5-flash-lite": { input: 0.1, output: 0.4 },
};

/** The price of `provider:model`, also of its dated snapshots; `undefined` where it is not known. */
export function priceOf(model: string): Price | undefined {
  return prices[model] ?? prices[model.replace(/-(latest|\d{4}-?\d{2}-?\d{2})$/, "")];
}

/** US dollars for these tokens; 0 where the price is not known. */
export function costOf(
  tokens: { readonly input: number; readonly output: number },
  price: Price | undefined,
): number {
  return price ? (tokens.input * price.input + tokens.output * price.output) / 1e6 : 0;
}

/** US dollars for a person: cents, and below a dollar their hundredths. */
export function dollars(amount: number): string {
  return `$${amount.toFixed(amount < 1 ? 4 : 2)}`;
}
