/**
 * The JSON value in a model's answer: the whole text, the inside of a code fence, or the first balanced object in prose.
 * Thoughts in `<think>` tags before the answer are skipped. `undefined` where there is none.
 */
export function extractJson(text: string): unknown {
  const answer = withoutThoughts(text).trim();
  for (const candidate of candidates(answer)) {
    try {
      return JSON.parse(candidate) as unknown;
    } catch {
      // the next candidate
    }
  }
  return undefined;
}

/** What follows the thoughts that reasoning models on open servers write before their answer. */
export function withoutThoughts(text: string): string {
  return text.replace(/^\s*<think>[\s\S]*?<\/think>/, "");
}

function* candidates(text: string): Generator<string> {
  yield text;
  const fenced = /```(?:json)?[^\S\n]*\n([\s\S]*?)\n?[^\S\n]*```/i.exec(text)?.[1];
  if (fenced !== undefined) yield fenced;
  const object = firstObject(text);
  if (object !== undefined) yield object;
}

/** From the first brace to the one that closes it; braces inside strings do not count. */
function firstObject(text: string): string | undefined {
  const start = text.indexOf("{");
  let depth = 0;
  let inString = false;
  for (let at = start; at >= 0 && at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return text.slice(start, at + 1);
  }
  return undefined;
}
