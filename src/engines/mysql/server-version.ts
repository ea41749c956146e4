/** A server that says nowhere that it is MariaDB is MySQL. */
export function isMariadb(version: string): boolean {
  return /mariadb/i.test(version);
}

/**
 * The number within what a program or a server says of itself: `Ver 10.19 Distrib 10.11.6-MariaDB`, `from 11.4.2-MariaDB`,
 * `Ver 8.0.36 for Linux`, `8.0.36-0ubuntu0.22.04.1`, `5.5.5-10.11.6-MariaDB`; null where there is none.
 */
export function versionOf(text: string): string | null {
  const [, number] =
    /(?:Distrib|from) (\d+(?:\.\d+)+)/.exec(text) ??
    /Ver (\d+(?:\.\d+)+)/.exec(text) ??
    /^(?:5\.5\.5-)?(\d+(?:\.\d+)+)/.exec(text) ??
    [];
  return number ?? null;
}
