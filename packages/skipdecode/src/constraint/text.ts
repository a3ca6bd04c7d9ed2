import { charactersIn, without } from "./code-points.ts";
import {
  byteIn,
  choice,
  type Expression,
  literal,
  nothing,
  oneOf,
  repeat,
  sequence,
} from "./expression.ts";

const continuation = byteIn([0x80, 0xbf]);

/** The bytes beyond ASCII of one code point, well formed (Unicode standard, table 3-7). */
const beyondAscii = choice(
  sequence(byteIn([0xc2, 0xdf]), continuation),
  sequence(byteIn([0xe0, 0xe0]), byteIn([0xa0, 0xbf]), continuation),
  sequence(byteIn([0xe1, 0xec], [0xee, 0xef]), continuation, continuation),
  sequence(byteIn([0xed, 0xed]), byteIn([0x80, 0x9f]), continuation),
  sequence(byteIn([0xf0, 0xf0]), byteIn([0x90, 0xbf]), continuation, continuation),
  sequence(byteIn([0xf1, 0xf3]), continuation, continuation, continuation),
  sequence(byteIn([0xf4, 0xf4]), byteIn([0x80, 0x8f]), continuation, continuation),
);

const hex = byteIn([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]);

/** `\n`, `\u00e4` and the like. Surrogates are left out: beyond the basic plane a model writes the character itself. */
const escape = sequence(
  literal("\\"),
  choice(
    oneOf('"\\/bfnrt'),
    sequence(
      literal("u"),
      choice(
        sequence(byteIn([0x30, 0x39], [0x41, 0x43], [0x45, 0x46], [0x61, 0x63], [0x65, 0x66]), hex),
        sequence(oneOf("dD"), byteIn([0x30, 0x37])),
      ),
      hex,
      hex,
    ),
  ),
);

/** Whether a byte may stand in a JSON string by itself. */
export const isPlain = (byte: number): boolean =>
  byte >= 0x20 && byte !== 0x22 && byte !== 0x5c && byte < 0x80;

/** One character of a JSON string. */
export const character = choice(
  byteIn([0x20, 0x21], [0x23, 0x5b], [0x5d, 0x7f]),
  escape,
  beyondAscii,
);

/** Any characters of a JSON string, between its quotes. The vocabulary knows this expression and takes a short way. */
export const freeText = repeat(character, 0);

/** `body` between quotes. */
export const quoted = (body: Expression): Expression => sequence(literal('"'), body, literal('"'));

/** Any string, or one of `min` to `max` characters. */
export const string = (min = 0, max = Infinity): Expression =>
  quoted(min === 0 && max === Infinity ? freeText : repeat(character, min, max));

/** Any string, written without an escape where it matters, but none of `names`. */
export const stringOtherThan = (names: readonly string[]): Expression =>
  sequence(literal('"'), other(names.map((name) => Array.from(name))));

/** The rest of a string, closing quote included, that is none of `rests`, which are lists of characters. */
function other(rests: readonly (readonly string[])[]): Expression {
  if (rests.length === 0) return sequence(freeText, literal('"'));
  const heads = [...new Set(rests.flatMap((rest) => rest.slice(0, 1)))];
  const end = rests.some((rest) => rest.length === 0) ? [] : [literal('"')];
  const same = heads.map((head) =>
    sequence(
      literal(JSON.stringify(head).slice(1, -1)),
      other(rests.filter((rest) => rest[0] === head).map((rest) => rest.slice(1))),
    ),
  );
  // No escapes: they could spell one of the names another way.
  const points = heads.map((head) => head.codePointAt(0)!);
  const taken = [0x22, 0x5c, ...points].map((point) => [point, point] as const);
  const different = charactersIn(without([[0, 0x1f], ...taken]));
  return choice(...end, ...same, sequence(different, freeText, literal('"')));
}

/** White space between the signs of JSON: none, a space, or a new line with its indentation. */
export const space = choice(
  nothing,
  literal(" "),
  sequence(literal("\n"), repeat(oneOf(" \t"), 0, 40)),
);
