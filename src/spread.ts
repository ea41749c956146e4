/**
 * A number from 0 up to 1, always the same for a text: to spread what would else come at once. FNV-1a, which spreads and need not be
 * secret.
 */
export function shareOf(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return (value >>> 0) / 2 ** 32;
}
