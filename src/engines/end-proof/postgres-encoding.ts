/** Turns the bytes of a dump into text. */
export interface TextReader {
  decode(bytes: Uint8Array): string;
}

/**
 * PostgreSQL's names of encodings, as those of the Encoding Standard where each byte, or each pair, means the same in letters. ISO 8859-1
 * and -9 are there called by what extends them in 0x80 to 0x9f, where they have control characters only.
 */
const LABELS: Readonly<Record<string, string>> = {
  ...{ LATIN1: 'windows-1252', LATIN2: 'iso-8859-2', LATIN3: 'iso-8859-3', LATIN4: 'iso-8859-4' },
  ...{ LATIN5: 'windows-1254', LATIN6: 'iso-8859-10', LATIN7: 'iso-8859-13', LATIN8: 'iso-8859-14' },
  ...{ LATIN9: 'iso-8859-15', LATIN10: 'iso-8859-16', ISO_8859_5: 'iso-8859-5', ISO_8859_6: 'iso-8859-6' },
  ...{
    ISO_8859_7: 'iso-8859-7',
    ISO_8859_8: 'iso-8859-8',
    KOI8R: 'koi8-r',
    KOI8U: 'koi8-u',
    WIN866: 'ibm866',
  },
  ...{ WIN874: 'windows-874', WIN1250: 'windows-1250', WIN1251: 'windows-1251', WIN1252: 'windows-1252' },
  ...{ WIN1253: 'windows-1253', WIN1254: 'windows-1254', WIN1255: 'windows-1255', WIN1256: 'windows-1256' },
  ...{ WIN1257: 'windows-1257', WIN1258: 'windows-1258', EUC_JP: 'euc-jp', EUC_KR: 'euc-kr', EUC_CN: 'gbk' },
};

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Of a dump of that encoding; of one that is not known, or of none (`SQL_ASCII`), as UTF-8. */
export function textReader(encoding: string): TextReader {
  const label = Object.hasOwn(LABELS, encoding) ? LABELS[encoding] : undefined;
  return label === undefined ? UTF8 : new TextDecoder(label, { ignoreBOM: true });
}

/** The encoding that a dump says it is in, by the statement that both its formats hold; undefined for another statement. */
export function encodingIn(statement: string): string | undefined {
  return /^SET client_encoding = '(\w{1,32})'/.exec(statement)?.[1];
}

/**
 * The bytes of a text in an encoding of a dump. Undefined where it has none in it, or they can't be told: of those of several bytes a
 * character only ASCII is.
 */
export function bytesIn(encoding: string, text: string): Uint8Array | undefined {
  if (/^[\0-\x7f]*$/.test(text)) return new TextEncoder().encode(text);
  const reader = textReader(encoding);
  if (reader === UTF8) return new TextEncoder().encode(text);
  if (encoding.startsWith('EUC_')) return undefined;
  const bytes = new Map<string, number>();
  for (let byte = 0; byte < 256; byte += 1) bytes.set(reader.decode(Uint8Array.of(byte)), byte);
  const found = [...text].map((character) => bytes.get(character));
  return found.every((byte) => byte !== undefined) ? Uint8Array.from(found) : undefined;
}
