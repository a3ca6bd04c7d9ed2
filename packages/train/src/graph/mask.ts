import { type GraphBuilder, hiddenScore, type Value } from "@postgrad/model";

/**
 * What is added to attention scores: 0 where a token may look, a very low number where not. A token sees itself and earlier
 * ones: `window` in all where one is given, and only those of its segment where `segments` [batch, length] are given.
 * `places` [length] are 0, 1, 2 ... The mask is [length, length], or [batch, 1, 1, length, length] with segments.
 */
export function causalMask(
  builder: GraphBuilder,
  places: Value,
  segments?: Value,
  window?: number,
): Value {
  const distance = builder.sub(builder.unsqueeze(places, [1]), places);
  const conditions = [builder.node("GreaterOrEqual", [distance, builder.constant("int64", 0)])];
  if (window !== undefined) {
    conditions.push(builder.node("Less", [distance, builder.constant("int64", window)]));
  }
  if (segments) {
    const pairs = [builder.unsqueeze(segments, [2]), builder.unsqueeze(segments, [1])];
    conditions.push(builder.node("Equal", pairs));
  }
  const visible = conditions.reduce((all, condition) => builder.node("And", [all, condition]));
  const mask = builder.node("Where", [
    visible,
    builder.constant("float32", 0),
    builder.constant("float32", hiddenScore),
  ]);
  return segments ? builder.unsqueeze(mask, [1, 2]) : mask;
}
