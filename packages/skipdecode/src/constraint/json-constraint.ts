import { PostgradError } from "@postgrad/schema";

import type { TokenConstraint } from "../sampling/constraint.ts";
import { automaton, type State } from "./automaton.ts";
import { jsonExpression } from "./json-schema.ts";
import type { JsonSchema } from "./place.ts";
import { type TokenBytes, vocabulary, type Vocabulary } from "./vocabulary.ts";

/** Limits a row to one JSON text that a schema allows. */
export interface JsonConstraint extends TokenConstraint {
  /** What it was made from: a constraint crosses to a worker as its schema. */
  readonly schema: JsonSchema;
  next(token: number): JsonConstraint;
}

/** Makes the constraint of a schema; the same schema again costs next to nothing while it is among the last ones used. */
export type JsonConstraints = (schema: JsonSchema) => JsonConstraint;

/** What constraints need to know of a model. */
export interface ConstrainedModel {
  /** Called once, when the first token is masked; undefined where the tokenizer does not tell the bytes. */
  readonly tokenBytes: () => TokenBytes | undefined;
  readonly endTokens: readonly number[];
}

/**
 * Constraints for one model: whatever its logits, a row that ends with reason `stop` is JSON that the schema allows.
 * Objects are written in the schema's order of properties, properties it does not name only where `additionalProperties`
 * asks for them. A row that ends with reason `length` may be the beginning of such a text.
 *
 * @throws PostgradError `skipdecode/schema` naming the place and the keyword that is not supported, or for a schema that
 * nothing satisfies; when masking, `skipdecode/vocabulary` where no token of the model can go on.
 */
export function jsonConstraints(model: ConstrainedModel): JsonConstraints {
  const compiled = new Recent<string, JsonConstraint>(16);
  let tokens: Vocabulary | undefined;
  const masks: MaskSource = {
    endTokens: model.endTokens,
    vocabulary: () => (tokens ??= vocabulary(knownBytes(model))),
    recent: new Recent(512),
  };
  return (schema) =>
    compiled.get(JSON.stringify(schema), () =>
      constraintAt(schema, automaton(jsonExpression(schema)), masks),
    );
}

/** The bytes, with end tokens that lie beyond the tokenizer's own. */
function knownBytes({ tokenBytes, endTokens }: ConstrainedModel): TokenBytes {
  const bytes = tokenBytes();
  if (bytes)
    return Array.from(
      { length: Math.max(bytes.length, ...endTokens.map((end) => end + 1)) },
      (_, token) => bytes[token],
    );
  throw new PostgradError(
    "skipdecode/vocabulary",
    "constrained output needs the bytes of each token, and this model's tokenizer does not tell them",
  );
}

interface MaskSource {
  readonly endTokens: readonly number[];
  readonly vocabulary: () => Vocabulary;
  readonly recent: Recent<State, Uint32Array>;
}

function constraintAt(schema: JsonSchema, state: State, masks: MaskSource): JsonConstraint {
  return {
    schema,
    complete: !state.goesOn,
    mask: (logits) => {
      const allowed = masks.recent.get(state, () => allowedAt(state, masks));
      for (let token = 0; token < logits.length; token++) {
        if (!(allowed[token >>> 5]! & (1 << (token & 31)))) logits[token] = -Infinity;
      }
    },
    next: (token) => constraintAt(schema, after(state, token, masks), masks),
  };
}

function allowedAt(state: State, { endTokens, vocabulary: make }: MaskSource): Uint32Array {
  const allowed = make().allowed(state);
  if (state.accepts) for (const end of endTokens) allowed[end >>> 5]! |= 1 << (end & 31);
  if (allowed.some((word) => word !== 0)) return allowed;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => state.next(byte));
  throw new PostgradError(
    "skipdecode/vocabulary",
    `no token of this model begins with a byte that the schema allows here (${bytes
      .slice(0, 8)
      .map((byte) => `0x${byte.toString(16).padStart(2, "0")}`)
      .join(", ")}); constrained output needs a tokenizer that can write every byte`,
  );
}

function after(state: State, token: number, { endTokens, vocabulary: make }: MaskSource): State {
  if (state.accepts && endTokens.includes(token)) return finished;
  let next: State | undefined = state;
  for (const byte of make().bytes[token] ?? [-1]) next = next?.next(byte);
  if (next) return next;
  throw new PostgradError(
    "skipdecode/constraint",
    `token ${token} may not follow here; only tokens that mask leaves in may be given to next`,
    { fault: "system" },
  );
}

const finished: State = { accepts: true, goesOn: false, open: new Set(), next: () => undefined };

/** Keeps what was made for the keys that were used last. */
class Recent<Key, Value> {
  readonly #values = new Map<Key, Value>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: Key, make: () => Value): Value {
    const value = this.#values.get(key) ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value!);
    return value;
  }
}
