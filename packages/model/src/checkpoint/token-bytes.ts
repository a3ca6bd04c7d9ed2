/** What is read of `tokenizer.json`. */
interface Definition {
  readonly decoder?: DecoderPart | null;
  readonly added_tokens?: readonly {
    readonly id: number;
    readonly content: string;
    readonly special?: boolean;
  }[];
}

interface DecoderPart {
  readonly type?: string;
  readonly decoders?: readonly DecoderPart[];
}

/**
 * How an id becomes the bytes that it stands for in the middle of a text, from the definition's decoder: byte-level (GPT-2's
 * alphabet of one letter a byte) or SentencePiece's ("\u2581" for a space, "<0x0A>" for a byte). Undefined for any other decoder.
 */
export function tokenBytes(
  definition: object,
  tokenOf: (id: number) => string | undefined,
): ((id: number) => Uint8Array | undefined) | undefined {
  const { decoder, added_tokens: added = [] } = definition as Definition;
  const parts = partsOf(decoder);
  const written = parts.has("ByteLevel")
    ? byteLevel()
    : parts.has("ByteFallback") || parts.has("Metaspace")
      ? sentencePiece
      : undefined;
  if (!written) return undefined;
  const plain = new Map(
    added.map(({ id, content, special }) => [id, special ? undefined : content]),
  );
  return (id) => {
    if (plain.has(id)) {
      const content = plain.get(id);
      return content === undefined ? undefined : utf8.encode(content);
    }
    const token = tokenOf(id);
    return token === undefined ? undefined : written(token);
  };
}

const utf8 = new TextEncoder();

function partsOf(decoder: DecoderPart | null | undefined): Set<string> {
  if (!decoder) return new Set();
  return (decoder.decoders ?? []).reduce(
    (all, part) => all.union(partsOf(part)),
    new Set([decoder.type ?? ""]),
  );
}

function sentencePiece(token: string): Uint8Array {
  const [, digits] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? [];
  return digits
    ? Uint8Array.of(Number.parseInt(digits, 16))
    : utf8.encode(token.replaceAll("\u2581", " "));
}

/** GPT-2's alphabet: a printable Latin-1 letter is its own byte, the other bytes are the letters from U+0100 on in order. */
function byteLevel(): (token: string) => Uint8Array | undefined {
  const byteOf = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    byteOf.set(String.fromCodePoint(isPrintable ? byte : next++), byte);
  }
  return (token) => {
    const bytes = Array.from(token, (letter) => byteOf.get(letter));
    return bytes.includes(undefined) ? undefined : Uint8Array.from(bytes as number[]);
  };
}
