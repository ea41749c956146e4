/** Of what each browser calls itself the word that is its own: most of them name others, too. The first that fits counts. */
const BROWSERS = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['SamsungBrowser', 'Samsung Internet'],
  ['Firefox', 'Firefox'],
  ['FxiOS', 'Firefox'],
  ['CriOS', 'Chrome'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
] as const;

const SYSTEMS = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['CrOS', 'ChromeOS'],
  ['Windows', 'Windows'],
  ['Mac OS X', 'macOS'],
  ['Linux', 'Linux'],
] as const;

/** A browser or client by its User-Agent, such as `Firefox on Linux` or `curl`; null where it says nothing that is known. */
export function clientName(agent: string | null): string | null {
  if (agent === null) return null;
  const [, browser] = BROWSERS.find(([word]) => agent.includes(`${word}/`)) ?? [];
  const [, system] = SYSTEMS.find(([word]) => agent.includes(word)) ?? [];
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`;
  const [, product] = /^([\w.-]{1,40})\//.exec(agent) ?? [];
  return product === undefined || product === 'Mozilla' ? null : product;
}
