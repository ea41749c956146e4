/** The bytes that psql tells the parts of a dump by. */
export const NUL = 0;
export const NEWLINE = 0x0a;
export const RETURN = 0x0d;
export const BLANK = 0x20;
export const DOUBLE_QUOTE = 0x22;
export const DOLLAR = 0x24;
export const AND = 0x26;
export const QUOTE = 0x27;
export const OPENING = 0x28;
export const CLOSING = 0x29;
export const STAR = 0x2a;
export const DASH = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const BACKSLASH = 0x5c;

/** Of each byte, the second in lower case: made once, as text is read sign by sign. */
const SIGNS = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
const LOWER_SIGNS = SIGNS.map((sign) => sign.toLowerCase());

export function signOf(byte: number): string {
  return SIGNS[byte] ?? '';
}

export function lowerSignOf(byte: number): string {
  return LOWER_SIGNS[byte] ?? '';
}

export function isUpperCase(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Of a name without quotes, and of a word. */
export function isNameByte(byte: number): boolean {
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte >= 0x80;
}
