// What keys look like in the messages of providers: OpenAI's and Anthropic's, Google's, and whatever follows "Bearer" or
// stands in a URL as user or key.
const patterns = [
  /\bsk-[\w-]{8,}/g,
  /\bAIza[\w-]{20,}/g,
  /(?<=\bBearer\s+)[\w.~+/=-]{8,}/gi,
  /(?<=[?&](?:api[-_]?key|key|token)=)[^&\s"']+/gi,
  /(?<=:\/\/)[^/\s@"']+(?=@)/g,
];

/** `text` without keys: without `secrets`, as they stand, and without what looks like one. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) if (secret.length > 0) clean = clean.replaceAll(secret, "[key]");
  for (const pattern of patterns) clean = clean.replace(pattern, "[key]");
  return clean;
}
