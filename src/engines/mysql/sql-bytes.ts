/** A text as SQL: one in single quotes could end there by a setting of the server's. */
export function bytesOf(text: string): string {
  const hex = [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `X'${hex.join('')}'`;
}
