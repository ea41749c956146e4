import { join } from 'node:path';
import { LOGIN } from '../dev/fill/fill.ts';
import { saveMark, signMark } from '../src/audit/chain-marks.ts';
import { chainRows, NO_HASH } from '../src/audit/chain-row.ts';
import { sha256 } from '../src/audit/node/sha256.ts';
import { createUser } from '../src/auth/users.ts';
import type { AuditLogRow } from '../src/db/schema.ts';
import { write } from '../src/db/write.ts';
import { createLog } from '../src/log.ts';
import { readConfig } from '../src/node/read-config.ts';
import { createServices } from '../src/services.ts';
import { type App, startApp } from './app.ts';
import { median } from './figures.ts';
import { signInToPages } from './filled.ts';
import { cpuMsOf } from './measure.ts';
import { freePort } from './site.ts';
import { newFolder } from './storage.ts';

/** What reading the audit costs, in milliseconds of CPU time a request. */
export interface AuditFigures {
  readonly rows: number;
  readonly pages: readonly { readonly name: string; readonly cpuMs: number; readonly mostCpuMs: number }[];
  /** Reading all of it: seconds, and the longest that it kept everything else from going on. */
  readonly verify: { readonly seconds: number; readonly blockMs: number };
  readonly exported: { readonly seconds: number; readonly blockMs: number };
}

const ROWS = 1_000_000;
const BATCH = 2000;
const BOUND_MS = 20;
const BLOCK_MS = 50;
const WARM_UP = 10;
const MEASURED = 20;
const ACTIONS = ['update', 'update', 'backup', 'create', 'sign_in', 'delete', 'use'];

/** What is asked of a million rows. The last finds nothing, and no index knows that. */
const QUESTIONS: Readonly<Record<string, string>> = {
  newest: '/api/audit-logs',
  'in the middle of all': `/api/audit-logs?before=${new Date(Date.now() - ROWS * 500).toISOString()}_x`,
  'one thing': '/api/audit-logs?resourceType=database&resourceId=d7',
  'one action': '/api/audit-logs?action=update',
  'an action of a kind in an environment':
    '/api/audit-logs?action=delete&resourceType=server&environmentId=e1',
  'the page': '/admin/audit',
  'the page, searched': '/admin/audit?q=nobody',
};

export async function benchAudit(say: (line: string) => void): Promise<AuditFigures> {
  const dataDir = join(await newFolder(), 'data');
  await fillAudit(dataDir);
  say(`audit: ${ROWS} rows`);
  const app = await startApp({ dataDir, port: await freePort(), watchLoop: true });
  try {
    const token = await tokenOf(app);
    const cookie = await signInToPages(app);
    const ask = async (path: string) => {
      const headers = new Headers(
        path.startsWith('/api/') ? { authorization: `Bearer ${token}` } : { cookie },
      );
      const response = await fetch(app.url + path, { headers, redirect: 'manual' });
      if (response.status !== 200) throw new Error(`GET ${path}: ${response.status}`);
      for await (const _ of response.body ?? []);
    };
    const pages: AuditFigures['pages'][number][] = [];
    for (const [name, path] of Object.entries(QUESTIONS)) {
      const cost = { name, ...(await cpuOf(app, () => ask(path))) };
      say(`audit: ${name}: ${cost.cpuMs.toFixed(1)} CPU ms`);
      pages.push(cost);
    }
    return {
      ...{ rows: ROWS, pages },
      verify: await blockOf(app, () => ask('/api/audit-logs/verify')),
      exported: await blockOf(app, () => ask('/api/audit-logs/export?format=csv')),
    };
  } finally {
    await app.stop();
  }
}

/** What the figures say against what is wanted, a sentence each. */
export function missedAudit({ pages, verify, exported }: AuditFigures): readonly string[] {
  const slow = pages.filter(({ cpuMs }) => cpuMs > BOUND_MS);
  const blocks = Object.entries({ verify, exported }).filter(([, { blockMs }]) => blockMs > BLOCK_MS);
  return [
    ...slow.map(({ name, cpuMs }) => `audit, ${name}: ${cpuMs.toFixed(1)} ms, at most ${BOUND_MS} is wanted`),
    ...blocks.map(
      ([name, { blockMs }]) =>
        `audit, ${name}: ${blockMs.toFixed(0)} ms in one piece, at most ${BLOCK_MS} is wanted`,
    ),
  ];
}

async function fillAudit(dataDir: string): Promise<void> {
  const config = readConfig({ DATA_DIR: dataDir });
  const log = createLog(
    'error',
    () => undefined,
    () => new Date(),
  );
  const services = await createServices(config, { log, version: 'bench' });
  const { db } = services;
  await createUser(services, { userId: null, address: null }, { ...LOGIN, role: 'admin' });
  // Young enough for retention.
  const start = Date.now() - ROWS * 1000;
  let last = { number: 0, hash: NO_HASH };
  for (let from = 0; from < ROWS; from += BATCH) {
    const loose = Array.from({ length: BATCH }, (_, n) => rowOf(from + n, start));
    const rows = chainRows(last, loose, sha256);
    last = rows.at(-1) ?? last;
    await write(db, async (trx) => {
      for (let n = 0; n < BATCH; n += 500) {
        await trx
          .insertInto('audit_logs')
          .values(rows.slice(n, n + 500))
          .execute();
      }
    });
  }
  const mark = await signMark(services, { name: 'head', number: last.number, hash: last.hash });
  await write(db, (trx) => saveMark(trx, mark, undefined));
  await services.close();
}

function rowOf(n: number, start: number): Omit<AuditLogRow, 'number' | 'hash'> {
  return {
    id: `c${n.toString(36).padStart(24, '0')}`,
    action: ACTIONS[n % ACTIONS.length] ?? '',
    resource_type: n % 3 === 0 ? 'server' : 'database',
    resource_id: `d${n % 1000}`,
    resource_name: `database ${n % 1000}`,
    details: '{"changes":{"port":5433},"before":{"port":5432}}',
    success: n % 50 === 0 ? 0 : 1,
    error: n % 50 === 0 ? 'The server could not be reached.' : null,
    created_at: new Date(start + n * 1000).toISOString(),
    user_id: `u${n % 20}`,
    // None that deletes a server, though there are many of each.
    environment_id: n % 3 === 0 && n % 7 === 5 ? 'e0' : `e${n % 5}`,
    address: `203.0.113.${n % 250}`,
    api_token_id: null,
    token_prefix: null,
    service_account_id: null,
    request_id: `request-${n}`,
  };
}

async function tokenOf(app: App): Promise<string> {
  const response = await fetch(`${app.url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(LOGIN),
  });
  const { token }: { readonly token?: string } = JSON.parse(await response.text());
  if (token === undefined) throw new Error(`signing in: ${response.status}`);
  return token;
}

async function cpuOf(app: App, ask: () => Promise<void>): Promise<{ cpuMs: number; mostCpuMs: number }> {
  for (let count = 0; count < WARM_UP; count += 1) await ask();
  const took: number[] = [];
  for (let count = 0; count < MEASURED; count += 1) {
    const before = cpuMsOf(app.pid);
    await ask();
    took.push(cpuMsOf(app.pid) - before);
  }
  return { cpuMs: median(took), mostCpuMs: Math.max(...took) };
}

async function blockOf(app: App, ask: () => Promise<void>): Promise<AuditFigures['verify']> {
  await app.longestBlockMs();
  const began = performance.now();
  await ask();
  return { seconds: (performance.now() - began) / 1000, blockMs: await app.longestBlockMs() };
}
