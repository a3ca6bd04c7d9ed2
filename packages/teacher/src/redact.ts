// What keys look like in the messages of providers: OpenAI's and Anthropic's, Google's, and whatever follows "Bearer" or
// stands in a URL as user or key.
const patterns = [
  /\bsk-[\w-]{8,}/g,
  /\bAIza[\w-]{20,}/g,
  /(?<=\bBearer\s+)[\w.~+/=-]{8,}/gi,
  /(?<=[?&](?:api[-_]?key|key|token)=)[^&\s"']+/gi,
  /(?<=:\/\/)[^/\s@"']+(?=@)/g,
];

/** `text` without `key`, where there is one, and without what looks like a key. */
export function redact(text: string, key?: string): string {
  let clean = key ? text.replaceAll(key, "[key]") : text;
  for (const pattern of patterns) clean = clean.replace(pattern, "[key]");
  return clean;
}
