import {
  choice,
  type Expression,
  literal,
  nothing,
  optional,
  repeat,
  rule,
  sequence,
} from "./expression.ts";
import { number } from "./number.ts";
import { space, string } from "./text.ts";

/** A comma between two items or members. */
export const separator = sequence(literal(","), space);

/** The sign between a key and its value. */
export const colon = sequence(literal(":"), optional(literal(" ")));

/** At least `min` and at most `max` items, the first of them as `fixed` says. */
export function items(
  fixed: readonly Expression[],
  rest: Expression | undefined,
  min: number,
  max: number,
): Expression {
  const at = (index: number): Expression => {
    if (index >= max) return nothing;
    const comma = index === 0 ? nothing : separator;
    const one = fixed[index];
    if (one) {
      const here = sequence(comma, one, at(index + 1));
      return index < min ? here : optional(here);
    }
    if (!rest) return nothing;
    const following = (from: number): Expression =>
      repeat(sequence(separator, rest), Math.max(0, min - from), max - from);
    if (index > 0) return following(index);
    const some = sequence(rest, following(1));
    return min > 0 ? some : optional(some);
  };
  return at(0);
}

/** Members in their order, the required ones always; then any number of `others`. */
export function inOrder(
  members: readonly { readonly one: Expression; readonly isRequired: boolean }[],
  others: Expression | undefined,
): Expression {
  const memo = new Map<string, Expression>();
  const from = (index: number, isFirst: boolean): Expression => {
    const key = `${index} ${isFirst}`;
    const known = memo.get(key);
    if (known) return known;
    const made = rule(() => rest(index, isFirst));
    memo.set(key, made);
    return made;
  };
  const rest = (index: number, isFirst: boolean): Expression => {
    const member = members[index];
    if (!member) return tail(isFirst);
    const here = sequence(isFirst ? nothing : separator, member.one, from(index + 1, false));
    return member.isRequired ? here : choice(here, from(index + 1, isFirst));
  };
  const tail = (isFirst: boolean): Expression => {
    if (!others) return nothing;
    const following = repeat(sequence(separator, others), 0);
    return isFirst ? optional(sequence(others, following)) : following;
  };
  return from(0, true);
}

/** Any JSON value. */
export function anything(): Expression {
  const any: Expression = rule(() =>
    choice(
      string(),
      number,
      choice(literal("true"), literal("false"), literal("null")),
      sequence(literal("["), space, items([], any, 0, Infinity), space, literal("]")),
      sequence(
        literal("{"),
        space,
        inOrder([], sequence(string(), colon, any)),
        space,
        literal("}"),
      ),
    ),
  );
  return any;
}
