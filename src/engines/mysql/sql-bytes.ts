/** A text as SQL: one in single quotes could end there by a setting of the server's. */
export function bytesOf(text: string): string {
  const hex = [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `X'${hex.join('')}'`;
}

/** What `HEX()` of the server wrote. */
export function textOf(digits: string): string {
  const bytes = (digits.match(/[0-9A-F]{2}/gi) ?? []).map((byte) => Number.parseInt(byte, 16));
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
