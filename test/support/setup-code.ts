/** The setup code that the app printed last, from the lines of its log. */
export function setupCodeOf(log: readonly string[]): string {
  const line = log.findLast((text) => text.includes('"setupCode"'));
  const printed: unknown = JSON.parse(line ?? '{}');
  if (typeof printed === 'object' && printed !== null && 'setupCode' in printed)
    return String(printed.setupCode);
  throw new Error('The log holds no setup code.');
}
