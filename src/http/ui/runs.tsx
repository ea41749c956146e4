import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { type Level, levelOf, levelOfRead } from '../../../views/backup/level.tsx';
import { dayText } from '../../../views/parts/charts/day-text.ts';
import type { Chip } from '../../../views/parts/chips.tsx';
import type { FilterSelect } from '../../../views/parts/filter-form.tsx';
import { RunLogPage, RunState } from '../../../views/run-page.tsx';
import { Running } from '../../../views/running.tsx';
import { type RunItem, RunsPage } from '../../../views/runs.tsx';
import { boundsOf, parseDay } from '../../backups/days.ts';
import {
  findRun,
  type ListedRun,
  listRuns,
  listRunsOf,
  MOST_UNCERTAIN,
  NEWEST,
} from '../../backups/list-runs.ts';
import { readBackupError } from '../../backups/step-error.ts';
import { attachment } from '../../content-disposition.ts';
import type { RunKindName, RunState as State } from '../../db/schema.ts';
import { AppError } from '../../errors.ts';
import { parseAsker } from '../../runs/askers.ts';
import { logText } from '../../runs/log-text.ts';
import { runLogOf } from '../../runs/stored-log.ts';
import type { Services } from '../../services-port.ts';
import { filterOf, frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { askerOf, askerSelect } from './run-askers.ts';
import { RUN_KINDS, subjectOf } from './run-subject.ts';
import { idsIn, NOTHING_SEEN, watchedRuns } from './running.ts';

const PER_PAGE = 50;

/** Runs of every kind: what goes on, and what became of the others. */
export function runRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/runs', only('viewer'), async (c) => sendRuns(c, services));

  ui.get('/runs/running', only('viewer'), async (c) => {
    const { environment } = await filterOf(c, services);
    const { shown, ended, unsafe, place } = c.req.query();
    // The page says which runs it shows: when that is no longer so, what it tells beside them is out of date too.
    const watched =
      shown === undefined
        ? NOTHING_SEEN
        : {
            shown: idsIn(shown),
            ended: idsIn(ended),
            unsafe: /^\d+$/.test(unsafe ?? '') ? Number(unsafe) : null,
          };
    const isPanel = place === 'panel' || shown === undefined;
    const running = await watchedRuns(services, environment?.id ?? null, watched, isPanel ? 'panel' : 'list');
    const events = [
      (running.hasChanged || running.hasTurned) && 'backups-changed',
      (running.hasEnded || running.hasTurned) && 'runs-ended',
    ].filter(Boolean);
    if (events.length > 0) c.header('HX-Trigger', events.join());
    return sendFragment(
      c,
      <>
        <Running {...running} />
        {running.hasChanged && running.ended.length > 0 && <div id="flash" hx-swap-oob="delete" />}
      </>,
    );
  });

  ui.get('/runs/:runId/log', only('viewer'), async (c) => {
    const run = await runNamed(c, services);
    const { subject, href } = subjectOf(run);
    return sendPage(
      c,
      <RunLogPage
        frame={await frameOf(c, services)}
        id={run.id}
        title={`${RUN_KINDS[run.kind]} ${subject}`}
        href={run.kind === 'backup' ? `/backups/${run.id}` : href}
        textHref={`/runs/${run.id}/log.txt`}
        state={run.state}
        level={levelIn(run)}
        problem={problemOf(run)}
        lines={await runLogOf(services.db, run.id)}
      />,
    );
  });

  ui.get('/runs/:runId/log/state', only('viewer'), async (c) => {
    const { id, state } = await runNamed(c, services);
    const { shown = null } = c.req.query();
    if (shown !== null && shown !== state) c.header('HX-Trigger', 'backups-changed');
    return sendFragment(c, <RunState id={id} state={state} shown={shown} />);
  });

  ui.get('/runs/:runId/log.txt', only('viewer'), async (c) => {
    const run = await runNamed(c, services);
    const text = logText(await runLogOf(services.db, run.id), {
      error: run.error,
      damage: damageOf(run),
    });
    return c.body(text, 200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Disposition': attachment(`${run.kind}-${run.id}.log.txt`),
    });
  });

  return ui;
}

async function runNamed(c: Context<UiEnv, '/runs/:runId/log'>, { db }: Services): Promise<ListedRun> {
  const run = await findRun(db, c.req.param('runId'));
  if (run === undefined) throw new AppError('not_found', 'There is no such run (any more).');
  return run;
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
      running={await watchedRuns(services, environmentId, NOTHING_SEEN, 'panel')}
      runs={runs.map((run) => toItem(run, query))}
      among={isCut ? NEWEST : null}
      {...page}
      more={more}
      path={addressOf(query)}
      chips={chipsOf(query, frame.counts.runs ?? 0)}
      selects={[kindSelect(query), askerSelect(by, user.id)]}
      keeps={keptOf(query)}
      day={
        query.day === null
          ? null
          : { value: query.day, text: dayText(query.day), all: addressOf({ ...query, day: null }) }
      }
    />,
  );
}

interface RunsQuery {
  readonly kind: RunKindName | null;
  readonly state: State | null;
  /** As in the address: whose runs, `schedule`, `person`, `token`, or one of the last two with an id. */
  readonly by: string | null;
  readonly day: string | null;
}

const KIND_NAMES: readonly RunKindName[] = [
  'backup',
  'restore',
  'drill',
  'verification',
  'prune',
  'deep_test',
];

const RESULTS: readonly { readonly state: State | null; readonly label: string }[] = [
  { state: null, label: 'All' },
  { state: 'completed', label: 'Completed' },
  { state: 'failed', label: 'Failed' },
  { state: 'cancelled', label: 'Cancelled' },
  { state: 'interrupted', label: 'Interrupted' },
  { state: 'uncertain', label: 'Uncertain' },
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

function keptOf({ state }: RunsQuery): Readonly<Record<string, string>> {
  return state === null ? {} : { state };
}

/** With as many uncertain ones as the menu counts, where nothing else narrows the list: somebody comes to see which. */
function chipsOf(query: RunsQuery, uncertain: number): readonly Chip[] {
  const isWhole = query.kind === null && query.by === null && query.day === null;
  return RESULTS.map(({ state, label }) => ({
    label,
    href: addressOf({ ...query, state }),
    isChosen: query.state === state,
    ...(state === 'uncertain' && uncertain > 0 && uncertain < MOST_UNCERTAIN && isWhole
      ? { count: uncertain }
      : {}),
  }));
}

function kindSelect({ kind }: RunsQuery): FilterSelect {
  return {
    name: 'kind',
    label: 'All kinds',
    value: kind ?? '',
    choices: [
      { value: '', label: 'All kinds' },
      ...KIND_NAMES.map((value) => ({ value, label: RUN_KINDS[value] })),
    ],
  };
}

function toItem(run: ListedRun, query: RunsQuery): RunItem {
  return {
    id: run.id,
    kindName: RUN_KINDS[run.kind],
    ...subjectOf(run),
    environmentName: run.environment_name,
    state: run.state,
    level: levelIn(run),
    createdAt: run.created_at,
    backupHref: run.filename === null ? null : `/backups/${run.subject_id}`,
    seconds: secondsOf(run),
    by: byOf(run, query),
    problem: problemOf(run)?.split('\n')[0] ?? null,
  };
}

/** What a later reading found wrong with the backup that this run made; null where nothing is known of any. */
function damageOf({ kind, verification, verification_error: damage }: ListedRun): string | null {
  return kind === 'backup' && verification === 'failed' ? (damage ?? 'It was found to be damaged.') : null;
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

/** Of a backup what is proven of it, or the step at which it failed; of a full read that it came to its end. */
function levelIn({ kind, state, verification, error }: ListedRun): Level | null {
  if (kind === 'verification' && state === 'completed') return levelOfRead(verification);
  if (kind !== 'backup' || (state !== 'completed' && state !== 'failed')) return null;
  return levelOf({ status: state, outcome: state, verification, step: readBackupError(error)?.step ?? null });
}

const storedError = z.object({ message: z.string() });

/** All that is told of it. */
function problemOf(run: ListedRun): string | null {
  const damage = damageOf(run);
  if (damage !== null) return damage;
  if (run.state === 'completed' || run.state === 'cancelled' || run.error === null) return null;
  const parsed = storedError.safeParse(JSON.parse(run.error));
  return parsed.success ? parsed.data.message : null;
}
