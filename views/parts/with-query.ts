/** The address with one thing more said in it. */
export function withQuery(path: string, name: string, value: string | number): string {
  return `${path}${path.includes('?') ? '&' : '?'}${name}=${value}`;
}
