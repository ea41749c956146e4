import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { dayText } from '../../../views/parts/charts/day-text.ts';
import type { Chip } from '../../../views/parts/chips.tsx';
import type { FilterSelect } from '../../../views/parts/filter-form.tsx';
import { RunLogPage } from '../../../views/run-page.tsx';
import { Running, type RunningItem } from '../../../views/running.tsx';
import { type RunItem, RunsPage } from '../../../views/runs.tsx';
import { boundsOf, parseDay } from '../../backups/days.ts';
import { findRun, type ListedRun, listRuns, listRunsOf, liveRuns, NEWEST } from '../../backups/list-runs.ts';
import type { RunKindName, RunState } from '../../db/schema.ts';
import { AppError } from '../../errors.ts';
import { parseAsker } from '../../runs/askers.ts';
import { runLogOf } from '../../runs/stored-log.ts';
import type { Services } from '../../services-port.ts';
import { filterOf, frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { askerOf, askerSelect } from './run-askers.ts';

const PER_PAGE = 50;
/** Of what waits and runs; the rest is in the list below it, or a click away. */
const MOST_RUNNING = 5;

/** Runs of every kind: what goes on, and what became of the others. */
export function runRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/runs', only('viewer'), async (c) => sendRuns(c, services));

  ui.get('/runs/running', only('viewer'), async (c) => {
    const { environment } = await filterOf(c, services);
    const running = await runningOf(services, environment?.id ?? null);
    return sendFragment(c, <Running url="/runs/running" {...running} />);
  });

  ui.get('/runs/:runId/log', only('viewer'), async (c) => {
    const run = await findRun(services.db, c.req.param('runId'));
    if (run === undefined) throw new AppError('not_found', 'There is no such run (any more).');
    const { subject, href } = subjectOf(run);
    return sendPage(
      c,
      <RunLogPage
        frame={await frameOf(c, services)}
        title={`${KINDS[run.kind]} ${subject}`}
        href={run.kind === 'backup' ? `/backups/${run.id}` : href}
        state={run.state}
        lines={await runLogOf(services.db, run.id)}
      />,
    );
  });

  return ui;
}

/** What waits and runs, of that environment or (null) of all. */
export async function runningOf(services: Services, environmentId: string | null) {
  const live = await liveRuns(services.db, environmentId, MOST_RUNNING + 1);
  return {
    items: live.slice(0, MOST_RUNNING).map((run) => toRunning(services, run)),
    more: live.length > MOST_RUNNING,
  };
}

const STEPS: Readonly<Record<string, string>> = {
  connect: 'connecting',
  dump: 'dumping',
  upload: 'storing',
  verify: 'reading back',
  look: 'looking at the target',
  create: 'making the target',
  load: 'loading',
  compare: 'counting the rows',
  finish: 'finishing',
};

function toRunning({ runs }: Services, run: ListedRun): RunningItem {
  const fresh = run.state === 'running' ? runs.progress(run.id) : null;
  const step = fresh?.step ?? run.step;
  return {
    id: run.id,
    ...subjectOf(run),
    environmentName: run.environment_name,
    state: run.state,
    step: run.state === 'pending' || step === null ? null : (STEPS[step] ?? step),
    bytes: fresh === null ? null : { read: fresh.bytesRead, estimated: fresh.estimatedBytes },
  };
}

/** What the run is about, and where that is. */
export function subjectOf(run: ListedRun): { readonly subject: string; readonly href: string } {
  if (run.kind === 'restore' || run.kind === 'drill')
    return { subject: `of ${run.database_name ?? 'what is gone'}`, href: `/restores/${run.id}` };
  if (run.kind === 'deep_test') return { subject: 'of the storage', href: '/admin/storage#capabilities' };
  if (run.database_id === null) return { subject: 'of what is gone', href: '/runs' };
  return { subject: run.database_name ?? '–', href: `/databases/${run.database_id}` };
}

async function sendRuns(c: Context<UiEnv>, services: Services): Promise<Response> {
  const frame = await frameOf(c, services);
  const environmentId = frame.environment?.id ?? null;
  const query = queryOf(c);
  const page = pageOf(c, PER_PAGE);
  const { user } = c.get('session');
  const by = await askerOf(services, query.by);
  const filter = {
    kind: query.kind ?? undefined,
    state: query.state ?? undefined,
    between: query.day === null ? undefined : boundsOf(query.day),
    by: by ?? undefined,
  };
  const { runs, more, isCut } =
    environmentId === null
      ? { ...(await listRuns(services.db, filter, page)), isCut: false }
      : await listRunsOf(services.db, environmentId, filter, page);
  return sendPage(
    c,
    <RunsPage
      frame={frame}
      running={await runningOf(services, environmentId)}
      runs={runs.map((run) => toItem(run, query))}
      among={isCut ? NEWEST : null}
      {...page}
      more={more}
      path={addressOf(query)}
      chips={chipsOf(query)}
      selects={[kindSelect(query), askerSelect(by, user.id)]}
      keeps={keptOf(query)}
      day={query.day === null ? null : { text: dayText(query.day), all: addressOf({ ...query, day: null }) }}
    />,
  );
}

interface RunsQuery {
  readonly kind: RunKindName | null;
  readonly state: RunState | null;
  /** As in the address: whose runs, `schedule`, `person`, `token`, or one of the last two with an id. */
  readonly by: string | null;
  readonly day: string | null;
}

const KINDS: Readonly<Record<RunKindName, string>> = {
  backup: 'Backup',
  verification: 'Full read',
  deep_test: 'Deep test',
  prune: 'Pruning',
  restore: 'Restore',
  drill: 'Drill',
};

const KIND_NAMES: readonly RunKindName[] = [
  'backup',
  'restore',
  'drill',
  'verification',
  'prune',
  'deep_test',
];

const RESULTS: readonly { readonly state: RunState | null; readonly label: string }[] = [
  { state: null, label: 'All' },
  { state: 'completed', label: 'Completed' },
  { state: 'failed', label: 'Failed' },
  { state: 'cancelled', label: 'Cancelled' },
  { state: 'interrupted', label: 'Interrupted' },
];

/** What the address asks for; what makes no sense is as if it were not there. */
function queryOf(c: Context): RunsQuery {
  const { kind, state, by, day } = c.req.query();
  return {
    kind: KIND_NAMES.find((name) => name === kind) ?? null,
    state: RESULTS.find((result) => result.state === state)?.state ?? null,
    by: by !== undefined && parseAsker(by) !== null ? by : null,
    day: parseDay(day) ?? null,
  };
}

function addressOf(query: RunsQuery): string {
  const said = Object.entries(query).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
  const text = new URLSearchParams(said).toString();
  return text === '' ? '/runs' : `/runs?${text}`;
}

function keptOf({ state, day }: RunsQuery): Readonly<Record<string, string>> {
  return { ...(state === null ? {} : { state }), ...(day === null ? {} : { day }) };
}

function chipsOf(query: RunsQuery): readonly Chip[] {
  return RESULTS.map(({ state, label }) => ({
    label,
    href: addressOf({ ...query, state }),
    isChosen: query.state === state,
  }));
}

function kindSelect({ kind }: RunsQuery): FilterSelect {
  return {
    name: 'kind',
    label: 'All kinds',
    value: kind ?? '',
    choices: [
      { value: '', label: 'All kinds' },
      ...KIND_NAMES.map((value) => ({ value, label: KINDS[value] })),
    ],
  };
}

function toItem(run: ListedRun, query: RunsQuery): RunItem {
  return {
    id: run.id,
    kindName: KINDS[run.kind],
    ...subjectOf(run),
    environmentName: run.environment_name,
    state: run.state,
    createdAt: run.created_at,
    backupHref: run.filename === null ? null : `/backups/${run.subject_id}`,
    seconds: secondsOf(run),
    by: byOf(run, query),
    problem: run.state === 'completed' || run.state === 'cancelled' ? null : problemOf(run.error),
  };
}

/** With the address of all that this one asked for. */
function byOf(run: ListedRun, query: RunsQuery): RunItem['by'] {
  const of = (by: string, text: string) => ({ text, href: addressOf({ ...query, by }) });
  if (run.is_scheduled === 1) return of('schedule', 'schedule');
  if (run.token_id !== null) return of(`token:${run.token_id}`, `${run.token_name} (token)`);
  if (run.person_id !== null) return of(`person:${run.person_id}`, run.person_name ?? '');
  return null;
}

/** Of a clock that was set back in between, nothing. */
function secondsOf({ started_at: startedAt, ended_at: endedAt }: ListedRun): number | null {
  if (startedAt === null || endedAt === null) return null;
  const ms = Date.parse(endedAt) - Date.parse(startedAt);
  return ms >= 0 ? ms / 1000 : null;
}

const storedError = z.object({ message: z.string() });
const LONGEST = 300;

function problemOf(error: string | null): string | null {
  if (error === null) return null;
  const parsed = storedError.safeParse(JSON.parse(error));
  if (!parsed.success) return null;
  const line = parsed.data.message.split('\n')[0] ?? '';
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST).trimEnd()}…`;
}
