import type { Expression } from "./expression.ts";

/** Where a byte string may go on: all ways to have come here at once. States are compared by identity. */
export interface State {
  /** The bytes so far are a whole member of the language. */
  readonly accepts: boolean;
  /** Some byte may follow. */
  readonly goesOn: boolean;
  /** Expressions that were open on the way here; the vocabulary asks for `freeText` among them. */
  readonly open: ReadonlySet<Expression>;
  /** The state after one more byte; undefined where it may not follow. */
  next(byte: number): State | undefined;
}

/**
 * The automaton of an expression, built as it is walked: a state is a set of stacks of what is still to come, and equal
 * stacks and states are the same object, so that every transition is computed once.
 */
export function automaton(expression: Expression): State {
  const states = new Map<string, State>();
  const bottom = new Stack();

  const stateOf = (stacks: readonly Stack[]): State | undefined => {
    const { waiting, accepts, open } = closure(stacks);
    if (waiting.length === 0 && !accepts) return undefined;
    const key = `${accepts ? "!" : ""}${waiting
      .map((stack) => stack.id)
      .toSorted((a, b) => a - b)
      .join()}`;
    const known = states.get(key);
    if (known) return known;
    const state = { accepts, goesOn: waiting.length > 0, open, next: remembered(waiting, stateOf) };
    states.set(key, state);
    return state;
  };
  return stateOf([bottom.push(expression)]) ?? dead;
}

const dead: State = { accepts: false, goesOn: false, open: new Set(), next: () => undefined };

/** What is still to come, the nearest on top; the bottom is the end. Equal stacks are one object. */
class Stack {
  readonly id: number;
  readonly top: Expression | undefined;
  readonly below: Stack | undefined;
  readonly #above = new Map<Expression, Stack>();
  readonly #count: { last: number };

  constructor(count = { last: 0 }, top?: Expression, below?: Stack) {
    this.#count = count;
    this.id = count.last++;
    this.top = top;
    this.below = below;
  }

  push(top: Expression): Stack {
    const known = this.#above.get(top);
    if (known) return known;
    const stack = new Stack(this.#count, top, this);
    this.#above.set(top, stack);
    return stack;
  }
}

/** Opens the tops of the stacks until each waits for a byte or is at the end. */
function closure(stacks: readonly Stack[]): {
  waiting: Stack[];
  accepts: boolean;
  open: Set<Expression>;
} {
  const seen = new Set<Stack>();
  const open = new Set<Expression>();
  const waiting: Stack[] = [];
  let accepts = false;
  const todo = [...stacks];
  for (let stack = todo.pop(); stack; stack = todo.pop()) {
    if (seen.has(stack)) continue; // also ends the recursion of a rule that is its own beginning
    seen.add(stack);
    if (!stack.top) accepts = true;
    else if (stack.top.kind === "byte") waiting.push(stack);
    else {
      open.add(stack.top);
      todo.push(...opened(stack.top, stack.below!));
    }
  }
  return { waiting, accepts, open };
}

function opened(top: Exclude<Expression, { kind: "byte" }>, below: Stack): Stack[] {
  if (top.kind === "sequence") {
    return [top.parts.reduceRight((stack, part) => stack.push(part), below)];
  }
  if (top.kind === "choice") return top.options.map((option) => below.push(option));
  if (top.kind === "rule") return [below.push(top.of())];
  const again = below.push(top.rest()).push(top.body);
  return top.min === 0 ? [below, again] : [again];
}

function remembered(
  waiting: readonly Stack[],
  stateOf: (stacks: readonly Stack[]) => State | undefined,
): State["next"] {
  const after: (State | undefined | null)[] = [];
  return (byte) => {
    const known = after[byte];
    if (known !== undefined) return known ?? undefined;
    const stacks = waiting
      .filter(({ top }) => top?.kind === "byte" && top.allowed[byte] === 1)
      .map(({ below }) => below!);
    const state = stateOf(stacks);
    after[byte] = state ?? null;
    return state;
  };
}
