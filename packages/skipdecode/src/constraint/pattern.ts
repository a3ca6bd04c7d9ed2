import { type AST, RegExpParser } from "@eslint-community/regexpp";

import { type CodePoints, charactersIn, without } from "./code-points.ts";
import { choice, type Expression, literal, nothing, repeat, sequence } from "./expression.ts";
import { freeText } from "./text.ts";

/**
 * The JSON strings, quotes included, in which a regular expression of ECMAScript (flag u) finds something.
 *
 * @throws what `refused` makes for a pattern that is malformed or goes beyond a regular language.
 */
export function pattern(source: string, refused: (why: string) => Error): Expression {
  const { alternatives } = parsed(source, refused);
  const options = alternatives.map(({ elements }) => {
    const isStart = elements[0]?.type === "Assertion" && elements[0].kind === "start";
    const last = elements.at(-1);
    const isEnd = last?.type === "Assertion" && last.kind === "end";
    const inner = elements.slice(isStart ? 1 : 0, isEnd ? -1 : undefined);
    return sequence(
      isStart ? nothing : freeText,
      ...inner.map((element) => expressionOf(element, refused)),
      isEnd ? nothing : freeText,
    );
  });
  return sequence(literal('"'), choice(...options), literal('"'));
}

function parsed(source: string, refused: (why: string) => Error): AST.Pattern {
  try {
    return new RegExpParser().parsePattern(source, 0, source.length, { unicode: true });
  } catch (error) {
    throw refused(`${source} is no regular expression: ${(error as Error).message}`);
  }
}

function expressionOf(element: AST.Element, refused: (why: string) => Error): Expression {
  const { type } = element;
  if (type === "Quantifier") {
    return repeat(expressionOf(element.element, refused), element.min, element.max);
  }
  if (type === "Group" || type === "CapturingGroup") {
    const options = element.alternatives.map(({ elements }) =>
      sequence(...elements.map((one) => expressionOf(one, refused))),
    );
    return choice(...options);
  }
  return charactersIn(setOf(element, refused));
}

const digits: CodePoints = [[0x30, 0x39]];
const words: CodePoints = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const spaces: CodePoints = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: CodePoints = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

function setOf(
  element: AST.Element | AST.CharacterClassElement,
  refused: (why: string) => Error,
): CodePoints {
  const { type } = element;
  if (type === "Character") return [[element.value, element.value]];
  if (type === "CharacterClassRange") return [[element.min.value, element.max.value]];
  if (type === "CharacterClass") {
    const set = element.elements.flatMap((one) => [...setOf(one, refused)]);
    return element.negate ? without(set) : set;
  }
  if (type === "CharacterSet" && element.kind === "any") return without(lineEnds);
  if (type === "CharacterSet" && element.kind !== "property") {
    const set = { digit: digits, word: words, space: spaces }[element.kind];
    return element.negate ? without(set) : set;
  }
  throw refused(
    `${element.raw} is not supported in a pattern; write the characters out, without looking around`,
  );
}
