import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createApp } from '../src/app.ts';
import { scrapeConfig } from '../src/metrics/scrape-config.ts';
import { openTestApp, type TestApp } from './support/app.ts';
import { insertBackup } from './support/backup-row.ts';
import { readExposition } from './support/exposition.ts';
import { addLeftover } from './support/leftover.ts';

const FOLDER = resolve(import.meta.dirname, '../docs/observability');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const TOKEN = 'of-prometheus_0123456789';

let app: TestApp;
let text: string;
/** Names of series, those of a histogram with what they end in. */
let names: ReadonlySet<string>;
let metrics: ReturnType<typeof readExposition>;

beforeAll(async () => {
  app = await openTestApp({ env: { METRICS_TOKEN: TOKEN } });
  await addOneOfEach();
  const freeSpace = async () => ({ free: 1, total: 2 });
  const response = await createApp({ ...app.services, freeSpace }).request('/metrics', {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  text = await response.text();
  metrics = readExposition(text);
  names = new Set([...metrics.values()].flatMap(({ samples }) => samples.map(({ name }) => name)));
});
afterAll(() => app.close());

/** So that every metric has a sample. */
async function addOneOfEach(): Promise<void> {
  const { db, processMetrics } = app.services;
  const at = new Date();
  const done = { started_at: at.toISOString(), completed_at: at.toISOString(), duration: 3 };
  const good = await insertBackup(db, at, { status: 'completed', outcome: 'completed', size: 5, ...done });
  await insertBackup(db, at, { status: 'pending', outcome: null });
  const { database_id } = good;
  await db
    .updateTable('databases')
    .set({ name: 'Größe + "x" \\ 🗝\n<script>', read_in_full_at: at.toISOString() })
    .where('id', '=', database_id)
    .execute();
  await db
    .insertInto('drill_states')
    .values({
      ...{ database_id, settled_as: null, due_at: null, run_at: null, proven_backup_id: null, bytes: 1 },
      ...{ proven_at: at.toISOString(), restore_ms: 4_250, failed_at: null, failed_drill_id: null },
      ...{ failure: null, says: null },
    })
    .execute();
  const { environment_id } = await db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', database_id)
    .executeTakeFirstOrThrow();
  await db
    .insertInto('environment_days')
    .values({ environment_id, day: '2026-02-28', good: 1, failed: 0, added: 5, freed: 0 })
    .execute();
  await db
    .insertInto('stored_totals')
    .values({ database_id, endpoint: 'https://s3.example.com', bucket: 'b', backups: 1, bytes: 5 })
    .execute();
  await addLeftover(db, at);
  await app.call('PUT', `/api/databases/${database_id}/schedule`, { body: { cronExpression: '0 2 * * *' } });
  const request = { provider: 'aws', operation: 'PutObject', status: '200' };
  processMetrics.sent(request, 1);
  processMetrics.retried(request);
  processMetrics.ended({ kind: 'backup', state: 'failed', step: 'dump' });
}

/** What a text of PromQL, or one that holds some, names. */
const namedIn = (text: string) => new Set(text.match(/\b(?:bridgeport|process|nodejs)_\w+\b/g) ?? []);

/** promtool's own words where it fails. */
function promtool(args: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, {
    cwd: FOLDER,
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  });
  if (error) throw error;
  return status === 0 ? 'fine' : `${status}: ${stdout}${stderr}`;
}

describe('Prometheus', () => {
  it('reads what /metrics says, and finds its names as they should be', () => {
    expect(promtool(['check', 'metrics'], text)).toBe('fine');
    expect(promtool(['check', 'metrics'], `${text}broken{ 1\n`)).not.toBe('fine');
  });

  it('takes the alerts, which speak when their tests say', () => {
    expect(promtool(['check', 'rules', 'alerts.yml'])).toBe('fine');
    expect(promtool(['test', 'rules', 'alerts.test.yml'])).toBe('fine');
  });
});

describe.each(['alerts.yml', 'alerts.test.yml', 'grafana-dashboard.json'])('%s', (file) => {
  it('names only metrics that there are', () => {
    const named = namedIn(read(file));
    expect(named.size).toBeGreaterThan(3);
    expect([...named].filter((name) => !names.has(name) && !metrics.has(name))).toEqual([]);
  });
});

describe('the alerts', () => {
  it('say each what to do, under a heading that is there', () => {
    const rules = read('alerts.yml')
      .split(/^ {6}- alert: /m)
      .slice(1);
    expect(rules.length).toBeGreaterThan(10);
    const documents = new Map(
      ['docs/observability/README.md', 'docs/operations.md'].map((file) => [
        file,
        readFileSync(resolve(FOLDER, '../..', file), 'utf8'),
      ]),
    );
    for (const rule of rules) {
      const name = rule.split('\n')[0] ?? '';
      expect([name, /^ {8}for: \d+[mhd]$/m.test(rule)]).toEqual([name, true]);
      const [, file = '', anchor = ''] = /^ {10}runbook: (\S+)#(\S+)$/m.exec(rule) ?? [];
      const headings = [...(documents.get(file) ?? '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      expect([name, headings.includes(anchor)]).toEqual([name, true]);
      if (file.endsWith('README.md')) expect(documents.get(file)).toContain(`\`${name}\``);
    }
  });
});

describe('the dashboard', () => {
  it('has panels with queries, each with an id and a place of its own', () => {
    const { panels } = JSON.parse(read('grafana-dashboard.json'));
    const seen = new Set<string>();
    for (const { id, type, title, gridPos, targets } of panels) {
      expect(title).not.toBe('');
      const cells = [`id ${id}`];
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) cells.push(`${x} ${y}`);
      }
      expect(cells.filter((cell) => seen.has(cell))).toEqual([]);
      for (const cell of cells) seen.add(cell);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      if (type !== 'row') expect(targets.length).toBeGreaterThan(0);
    }
    expect(panels.length).toBeGreaterThan(15);
  });
});

/** What the JSON of a dashboard has where Grafana documents it, as far as ours uses it: nothing beside it, and nothing misspelt. */
const datasource = z.strictObject({
  type: z.literal('prometheus'),
  uid: z.string().regex(/^\$\{datasource\}$/),
});
const target = z.strictObject({
  ...{ datasource, expr: z.string().min(1), refId: z.string().regex(/^[A-Z]$/), legendFormat: z.string() },
  ...{ instant: z.boolean().optional(), range: z.boolean().optional() },
  format: z.enum(['table', 'time_series', 'heatmap']).optional(),
});
const place = z.strictObject({
  ...{ x: z.number().int(), y: z.number().int(), w: z.number().int().min(1), h: z.number().int().min(1) },
});
const panel = z.discriminatedUnion('type', [
  z.strictObject({
    ...{ id: z.number().int(), type: z.literal('row'), title: z.string(), gridPos: place },
    ...{ collapsed: z.literal(false), panels: z.tuple([]) },
  }),
  z.strictObject({
    ...{ id: z.number().int(), type: z.enum(['stat', 'timeseries', 'table']), title: z.string() },
    ...{ description: z.string(), datasource, gridPos: place, targets: z.array(target).min(1) },
    fieldConfig: z.strictObject({ defaults: z.looseObject({}), overrides: z.array(z.looseObject({})) }),
    ...{ options: z.looseObject({}), transformations: z.array(z.looseObject({ id: z.string() })).optional() },
  }),
]);
const variable = z.strictObject({
  ...{ name: z.string(), label: z.string(), current: z.looseObject({}), hide: z.literal(0) },
  ...{ type: z.enum(['datasource', 'query']), datasource: datasource.optional() },
  query: z.union([z.string(), z.strictObject({ query: z.string(), refId: z.string() })]),
  ...{ refresh: z.number().optional(), includeAll: z.boolean().optional(), multi: z.boolean().optional() },
  allValue: z.string().optional(),
});
const dashboard = z.strictObject({
  ...{ uid: z.string().max(40), title: z.string(), description: z.string(), tags: z.array(z.string()) },
  ...{ schemaVersion: z.number().int().min(36), version: z.number().int(), editable: z.boolean() },
  ...{
    timezone: z.string(),
    refresh: z.string(),
    time: z.strictObject({ from: z.string(), to: z.string() }),
  },
  annotations: z.strictObject({ list: z.array(z.looseObject({ datasource, expr: z.string() })) }),
  ...{ templating: z.strictObject({ list: z.array(variable) }), panels: z.array(panel) },
});

/** What the dashboard asks Prometheus, with what Grafana puts in the place of its variables. */
function everyQuery(): readonly string[] {
  const { panels, annotations, templating } = dashboard.parse(JSON.parse(read('grafana-dashboard.json')));
  const asked = [
    ...panels.flatMap((one) => (one.type === 'row' ? [] : one.targets.map(({ expr }) => expr))),
    ...annotations.list.map(({ expr }) => expr),
    ...templating.list.flatMap(({ query }) =>
      typeof query === 'string' ? [] : (/^label_values\((.+), \w+\)$/.exec(query.query)?.[1] ?? query.query),
    ),
  ];
  return asked.map((expr) =>
    expr
      .replaceAll('$environment', '.*')
      .replaceAll('$job', 'bridgeport')
      .replaceAll('$__rate_interval', '5m')
      .replaceAll('$__range', '7d'),
  );
}

describe('the queries of the dashboard', () => {
  it('are PromQL, each by itself, without a variable that there is none of', () => {
    const queries = everyQuery();
    expect(queries.length).toBeGreaterThan(30);
    expect(queries.filter((query) => query.includes('$'))).toEqual([]);
    expect(parsed(queries)).toBe('fine');
    expect(parsed([...queries, 'sum by (x) (bridgeport_info'])).not.toBe('fine');
  });

  it('name a metric of ours each, and labels that it has', () => {
    for (const query of everyQuery()) {
      const named = namedIn(query);
      expect([query, named.size > 0]).toEqual([query, true]);
      for (const [, name = '', selected = ''] of query.matchAll(
        /\b((?:bridgeport|process|nodejs)_\w+)\{([^}]*)\}/g,
      )) {
        const has = new Set(labelsOf(name));
        const asks = [...selected.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label);
        expect([query, asks.filter((label) => label !== 'job' && !has.has(label))]).toEqual([query, []]);
      }
    }
  });
});

/** Of every sample of that name. */
function labelsOf(name: string): readonly string[] {
  return [...metrics.values()].flatMap(({ samples }) =>
    samples.filter((sample) => sample.name === name).flatMap(({ labels }) => Object.keys(labels)),
  );
}

/** What promtool says of these queries, as rules of a file. */
function parsed(queries: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'queries ü+'));
  try {
    const file = join(folder, 'rules.json');
    const rules = queries.map((expr, index) => ({ record: `query:${index}`, expr }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    return promtool(['check', 'rules', file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the lines for prometheus.yml', () => {
  it('are what Prometheus takes, whatever the app is called', () => {
    const folder = mkdtempSync(join(tmpdir(), 'scrape ü+'));
    try {
      const file = join(folder, 'prometheus.yml');
      for (const address of ['https://backups.example.com', 'http://[::1]:3000', "http://a'b.example:1"]) {
        writeFileSync(file, scrapeConfig(new URL(address)));
        expect([address, promtool(['check', 'config', '--syntax-only', file])]).toEqual([address, 'fine']);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The query of a panel, as Grafana asks it for all environments. */
function queryOf(title: string): string {
  const { panels } = JSON.parse(read('grafana-dashboard.json'));
  const { targets } = panels.find((panel: { title: string }) => panel.title === title);
  return targets[0].expr.replaceAll('$environment', '.*').replaceAll('$job', 'bridgeport');
}

/** What promtool says of queries that are to give those values, each at once after such series have begun. */
function asked(
  series: readonly string[],
  wanted: readonly (readonly [query: string, value: number | null])[],
): string {
  const folder = mkdtempSync(join(tmpdir(), 'a panel ü+'));
  try {
    const file = join(folder, 'panels.json');
    const test = {
      interval: '1m',
      input_series: series.map((name) => ({ series: name, values: '1x5' })),
      promql_expr_test: wanted.map(([expr, value]) => ({
        ...{ expr, eval_time: '1m' },
        exp_samples: value === null ? [] : [{ labels: '{}', value }],
      })),
    };
    writeFileSync(file, JSON.stringify({ tests: [test] }));
    return promtool(['test', 'rules', file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the first numbers of the dashboard', () => {
  const counts = ['Not safe', 'Failing', 'Protected', 'Oldest run that waits'].map(queryOf);
  const all = (value: number | null) => counts.map((query) => [query, value] as const);
  const INFO = 'bridgeport_info{job="bridgeport",version="1"}';

  it('are no green 0 where nothing is known, and 0 where none is', () => {
    expect(asked([], all(null))).toBe('fine');
    expect(asked([INFO], all(0))).toBe('fine');
    expect(asked([], all(0))).not.toBe('fine');
    expect(asked([INFO.replace('bridgeport"', 'of another"')], all(null))).toBe('fine');
  });

  it('count what two replicas tell once', () => {
    const state =
      'bridgeport_database_protection_state{job="bridgeport",environment="e",database="d \\"ü\\"",';
    const series = ['a', 'b'].flatMap((pod) => [
      ...['late', 'failing', 'protected'].map(
        (name) => `${state}state="${name}",pod="${pod}",instance="${pod}:3000"}`,
      ),
    ]);
    const counted = counts.slice(0, 3).map((query) => [query, 1] as const);
    expect(asked(series, counted)).toBe('fine');
  });

  it('tell what is now, not what was last known', () => {
    const { panels } = JSON.parse(read('grafana-dashboard.json'));
    const stats = panels.filter((panel: { type: string }) => panel.type === 'stat');
    expect(stats.length).toBeGreaterThan(5);
    for (const { title, targets } of stats) {
      for (const { instant, range } of targets) expect([title, instant, range]).toEqual([title, true, false]);
    }
  });
});

describe.each(['alerts.yml', 'grafana-dashboard.json'])('%s', (file) => {
  it('takes what the database tells once, however many replicas tell it', () => {
    const ofProcess = /bridgeport_(?:runs_ended|storage_request|disk)/;
    const once =
      /(?:(?:max|min) without \(instance, pod\) \((?:\w+\()?|\b(?:max|min|count)(?: by \(version\))? ?\((?:time\(\) - )?)$/;
    const uses = [...read(file).matchAll(/\bbridgeport_\w+/g)].filter(
      ({ 0: name, index }) => !ofProcess.test(name) && !/label_values\($/.test(read(file).slice(0, index)),
    );
    expect(uses.length).toBeGreaterThan(10);
    const twice = uses.filter(({ input, index }) => !once.test(input.slice(Math.max(0, index - 60), index)));
    expect(twice.map(({ 0: name }) => name)).toEqual([]);
  });
});

describe('the list of metrics', () => {
  it('has every metric of ours, and none that is not', () => {
    const listed = [...read('README.md').matchAll(/^\| `(bridgeport_\w+)` \|/gm)].map(([, name]) => name);
    const ours = [...metrics.keys()].filter((name) => name.startsWith('bridgeport_'));
    expect(listed.toSorted()).toEqual(ours.toSorted());
  });

  it('says no more series for a database than it may have', () => {
    const most = Number(/at most (\d+) for each/.exec(read('README.md'))?.[1]);
    const of = [...metrics].filter(([name]) => name.startsWith('bridgeport_database_'));
    expect(of.length).toBe(most);
    for (const [name, { samples }] of of) {
      expect([
        name,
        new Set(samples.map(({ labels }) => JSON.stringify([labels['environment'], labels['database']])))
          .size,
      ]).toEqual([name, samples.length]);
    }
  });
});
