import { LOGIN } from '../dev/fill/fill.ts';
import { addressOf } from '../dev/fill/paths.ts';
import type { Api, Json } from './api.ts';
import type { App } from './app.ts';
import { signInToPages } from './filled.ts';
import { ASKED, MOST_CPU_MS } from './large-pages.ts';

/** A page or a list that is measured. */
export interface Target {
  readonly name: string;
  readonly mostCpuMs: number;
  /** Asks it once, as the next of the sessions, to the end of the answer. Throws where that is no success. */
  ask(): Promise<void>;
}

/** As many people: pages are limited for each session. */
const SESSIONS = 8;
const USUAL_CPU_MS = 15;
const SELECTED = 50;

/** All that is asked, of the largest environment and database. */
export async function findTargets(app: App): Promise<readonly Target[]> {
  const apis: Api[] = [];
  const cookies: string[] = [];
  while (apis.length < SESSIONS) {
    apis.push(await app.signIn(LOGIN));
    cookies.push(await signInToPages(app));
  }
  const [api] = apis;
  if (api === undefined) throw new Error('there is no session');
  const { names, words } = await findNames(api);
  let turn = 0;
  return ASKED.map(([address, name]) => {
    const path = addressOf(address, names, words);
    return {
      name,
      mostCpuMs: MOST_CPU_MS[name] ?? USUAL_CPU_MS,
      async ask() {
        turn += 1;
        if (path.startsWith('/api/')) {
          await apis[turn % SESSIONS]?.ask('GET', path);
          return;
        }
        const headers = { cookie: cookies[turn % SESSIONS] ?? '' };
        const response = await fetch(app.url + path, { headers, redirect: 'manual' });
        await response.text();
        if (response.status !== 200) throw new Error(`GET ${path}: ${response.status}`);
      },
    };
  });
}

/** What paths and queries of the list name. */
async function findNames(api: Api) {
  const first = async (path: string, list: string) => idOf(rowsOf((await api.ask('GET', path))[list])[0]);
  const { environments } = await api.ask('GET', '/api/environments');
  const environment = idOf(rowsOf(environments).find(({ name }) => name === 'production'));
  const { databases } = await api.ask('GET', `/api/environments/${environment}/databases?limit=1000`);
  const all = rowsOf(databases).toSorted((a, b) => backupsOf(b) - backupsOf(a));
  // What restores in place are offered for, with the most backups.
  const largest = all.find(({ type, serverId }) => type === 'postgres' && serverId !== null);
  const database = idOf(largest);
  const { backups } = await api.ask('GET', `/api/databases/${database}/backups`);
  const completed = rowsOf(backups).find(({ status }) => status === 'completed');
  return {
    names: {
      ...{ environments: environment, databases: database, backups: idOf(completed) },
      servers: await first(`/api/environments/${environment}/servers`, 'servers'),
      runs: await first('/api/runs?kind=drill', 'runs'),
      restores: await first('/api/restores', 'restores'),
      rules: await first('/api/schedules/rules', 'rules'),
      users: await first('/api/users', 'users'),
      audit: await first('/api/audit-logs', 'logs'),
      channels: await first('/api/admin/notification-channels', 'channels'),
      notifications: await first('/api/notifications', 'notifications'),
      'service-accounts': await first('/api/admin/service-accounts', 'serviceAccounts'),
      webhooks: await first(`/api/environments/${environment}/webhooks`, 'subscriptions'),
      ...{ types: 'system.backup_failed', settings: 'general', docs: 'get-backups-id' },
    },
    words: {
      ...{ environment, database },
      deep: String(Math.floor(backupsOf(largest ?? {}) / 25) * 25 - 25),
      fifty: all
        .slice(0, SELECTED)
        .map((row) => `id=${idOf(row)}`)
        .join('&'),
    } as Readonly<Record<string, string>>,
  };
}

const rowsOf = (value: unknown) => value as readonly Json[];
const idOf = (row: Json | undefined) => String(row?.['id'] ?? '');
const backupsOf = (row: Json) => Number((row['_count'] as Json | undefined)?.['backups'] ?? 0);
