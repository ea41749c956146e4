import { ASKED } from '../../bench/large-pages.ts';
import { addressOf } from '../../dev/fill/paths.ts';

/**
 * Every page, from the one list that is held complete (test/http/query-plans.test.ts: each route is asked by the bench, or named there
 * with the reason why not), so that none can be forgotten where pages are looked at.
 */

/** Pages that the bench leaves out, as a route that it names so or with a query that it does not ask. */
const BESIDE: readonly string[] = [
  ...['/admin/audit/verify', '/databases?state=failing&sort=-name', '/databases?q=nothing', '/docs?q=pin'],
  ...['/drills?q=ä&state=due', '/runs?kind=backup&state=failed&day=2026-11-28&offset=50'],
  ...['/environments/:environmentId/databases/new?type=sqlite', '/admin/storage/edit?provider=r2'],
  '/admin/storage/policy?provider=aws&bucket=prod-backups&prefix=production/',
  '/admin/audit?q=ä&success=true&since=2026-11-01&before=x',
];

/** Those of somebody who is not signed in, with states of their own (test/browser/states.test.ts). */
export const ENTRANCE: readonly string[] = ['/login', '/login/code', '/setup'];

/** What it takes to name things in the addresses. */
export interface Named {
  /** By the word before it in a path, what an `:id` there names. */
  readonly names: Readonly<Record<string, string>>;
  readonly words: { readonly environment: string; readonly database: string };
}

/**
 * The address of every page and of every part that pages load. Those that narrow all pages to an environment, as long as nobody
 * asks for all again, come last, and what asks for all comes first.
 */
export function everyAddress({ names, words }: Named): readonly string[] {
  const { environment, database } = words;
  const filled = { environment, database, deep: '0', fifty: `id=${database}` };
  const asked = [...ASKED.map(([address]) => address), ...BESIDE];
  const ofPages = asked.filter((address) => !address.startsWith('/api/'));
  const narrows = (address: string) => address.includes('?environment=:environment');
  const inOrder = [...ofPages.filter((address) => !narrows(address)), ...ofPages.filter(narrows)];
  return [...new Set(inOrder.map((address) => addressOf(address, names, filled)))];
}

export const isDocument = (html: string): boolean => html.startsWith('<!doctype html>');
