import type { Stored } from '../../backups/stored.ts';
import { loadStored } from '../../backups/stored.ts';
import type { RestoreRow, RunRow } from '../../db/schema.ts';
import { engineFor } from '../../engines/engines.ts';
import type { PreflightCheck, RestorePlan } from '../../engines/restore.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import type { RunClaim } from '../../runs/claim.ts';
import type { RunContext, RunNote } from '../../runs/kind.ts';
import { compareCounts } from '../compare.ts';
import type { RestoreServices } from '../context.ts';
import { factsOf, type KnownDump } from '../dump-facts.ts';
import { hostOutput } from '../host-output.ts';
import { onlyTablesOf } from '../load-options.ts';
import { lookAtSource } from '../look-at-source.ts';
import { nextName } from '../new-name.ts';
import { ofChosen } from '../only-tables.ts';
import { openRestoreTarget, starterOf } from '../open-target.ts';
import { removeMade } from '../remove-made.ts';
import { loadRestore, recordRestore } from '../restores.ts';
import { safetyChecks } from '../safety-backup.ts';
import { placeChecks } from '../same-place.ts';
import { mayHaveMade, settleDone, settleFailed, settleLater, settleRemoved } from '../settle.ts';
import { lastCommand, recordReplaced } from '../swap.ts';
import { countOnTheWay, recordFound, withRows } from './count-on-the-way.ts';
import type { Fed } from './feed-dump.ts';
import { loadDump } from './load-dump.ts';

const LOOK_MS = 60_000;
const REMOVE_MS = 5 * 60_000;

type Step = 'look' | 'create' | 'load' | 'compare' | 'finish';
/** Progress at the beginning of each; the loading goes by bytes. */
const PROGRESS: Readonly<Record<Step, number>> = { look: 5, create: 10, load: 15, compare: 90, finish: 95 };

/** What a drill makes of a restore: it is told of, and then what was made is removed in any case. */
export interface Rehearsal {
  /** All was there, compared and checked: said before it is removed. Throws `superseded` as every record. */
  proven(measured: Measured): Promise<void>;
  /** It failed, or was cancelled: said before what was made is removed. */
  failed(error: unknown): Promise<void>;
}

export interface Measured {
  /** From the making of the target until all was there, compared and checked. */
  readonly restoreMs: number;
  /** Of the dump. */
  readonly dumpBytes: number;
}

/**
 * Runs one claimed restore from its first look at the target to its outcome: look → create → load → compare → finish. What failed
 * takes what it has made with it. A stop of the app leaves that to the repair, and so throws.
 */
export async function runRestore(
  services: RestoreServices,
  run: RunRow,
  context: RunContext,
  rehearsal?: Rehearsal,
): Promise<void> {
  const { db, log, now } = services;
  const progress = newProgress(context);
  try {
    const measured = await restore(services, run, context, { progress, isDrill: rehearsal !== undefined });
    await rehearsal?.proven(measured);
  } catch (error) {
    if (isAppError(error, 'superseded')) return;
    if (isAppError(error, 'shutdown')) throw error;
    log.warn('a restore failed', { runId: run.id, error });
    await rehearsal?.failed(error);
    const row = await loadRestore(db, run.id);
    const failure = { error, step: progress.step() };
    if (!mayHaveMade(row)) {
      await settleFailed(db, context.claim, { ...failure, state: 'none' }, now());
      return;
    }
    progress.enter('finish', 'removing');
    const removalError = mayBeDone(row, error)
      ? 'nobody knows yet whether it has its name.'
      : await removeMade(services, row, AbortSignal.timeout(REMOVE_MS), starterOf(row));
    if (removalError === null) await settleFailed(db, context.claim, { ...failure, state: 'removed' }, now());
    else await settleLater(db, context.claim, { ...failure, removalError }, now());
    return;
  }
  if (rehearsal === undefined) {
    await settleDone(db, context.claim, now());
    return;
  }
  progress.enter('finish', 'removing');
  await settleRemoval(services, await loadRestore(db, run.id), context.claim);
}

/** Removes what a drill has made that proved its backup, and ends its run; what can't be removed now is tried again. */
export async function settleRemoval(
  services: RestoreServices,
  row: RestoreRow,
  claim: RunClaim,
  signal: AbortSignal = AbortSignal.timeout(REMOVE_MS),
): Promise<void> {
  const { db, now } = services;
  const removalError = await removeMade(services, row, signal, 'schedule');
  if (removalError === null) {
    await settleRemoved(db, claim, now());
    return;
  }
  const error = new AppError(
    'dump_refused',
    'The drill went well, but what it had made could not be removed.',
  );
  await settleLater(db, claim, { error, step: 'finish', removalError }, now());
}

/** It was found whole, and the command that gives it its name was not heard of any more: the repair runs that again. */
function mayBeDone({ state }: RestoreRow, error: unknown): boolean {
  return (
    state === 'finishing' &&
    isAppError(error, 'cancelled', 'host_dropped', 'host_timeout', 'host_unreachable')
  );
}

async function restore(
  services: RestoreServices,
  run: RunRow,
  context: RunContext,
  { progress, isDrill }: { readonly progress: Progress; readonly isDrill: boolean },
): Promise<Measured> {
  const { db } = services;
  progress.enter('look');
  const row = await loadRestore(db, run.id);
  const stored = await loadStored(db, row.backup_id);
  const dump = ofChosen(await factsOf(db, row.backup_id), onlyTablesOf(row));
  const opened = await services.openPlace(stored.place);
  try {
    const { host, plan } = await look(services, row, context, { stored, dump, store: opened.store });
    try {
      await recordReplaced(db, context.claim, { host, plan, signal: context.signal });
      const making = { services, context, progress, host, plan, stored, dump, store: opened.store };
      return await make(making, isDrill);
    } finally {
      await closeQuietly(services, () => host.close());
    }
  } finally {
    await closeQuietly(services, opened.close);
  }
}

interface Source {
  readonly stored: Stored;
  readonly dump: KnownDump;
  readonly store: ObjectStore;
}

/** Looks at source and target. Throws with what is in the way; nothing has been made by then. */
async function look(
  services: RestoreServices,
  row: RestoreRow,
  { claim, signal }: RunContext,
  { stored, dump, store }: Source,
): Promise<{ readonly host: Host; readonly plan: RestorePlan }> {
  const place = await placeChecks(services.db, row);
  await refuseFailed(services, claim, place);
  const safety = await safetyChecks(services.db, row);
  const source = [...place, await lookAtSource(store, stored, signal), ...safety];
  const isFile = engineFor(row.engine)?.isFile === true;
  for (let tries = 2, restore = row; ; tries += 1) {
    const opened = await openRestoreTarget(services, restore, dump, starterOf(row));
    try {
      const { preflight } = opened.plan;
      const { command, explain } = preflight;
      const printed = await hostOutput(opened.host, command, {
        ...{ signal, explain, name: 'The look at the target', idleTimeoutMs: LOOK_MS },
      });
      const checks = [...source, ...preflight.read(printed)];
      await recordRestore(services.db, claim, { checks: JSON.stringify(checks) });
      const failed = checks.filter(({ ok }) => !ok);
      if (failed.length === 0) return opened;
      const name = row.is_name_ours === 1 ? nextName({ isFile, name: row.new_name }, tries) : undefined;
      if (name === undefined || failed.some((check) => check.name !== 'Name')) throw refused(failed);
      await recordRestore(services.db, claim, { new_name: name });
      restore = { ...restore, new_name: name };
    } catch (error) {
      await opened.host.close();
      throw error;
    }
    await opened.host.close();
  }
}

/** Before anybody is signed in to: it would be the wrong one. */
async function refuseFailed({ db }: RestoreServices, claim: RunClaim, checks: readonly PreflightCheck[]) {
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length === 0) return;
  await recordRestore(db, claim, { checks: JSON.stringify(checks) });
  throw refused(failed);
}

function refused(failed: readonly PreflightCheck[]): AppError {
  const why = failed.map(({ name, says }) => `${name}: ${says}`).join(' ');
  const obstacle = failed.find((check) => check.obstacle !== undefined)?.obstacle;
  const details = obstacle === undefined ? {} : { obstacle };
  return new AppError('conflict', `The restore was not begun. ${why}`, { details });
}

interface Making extends Source {
  readonly services: RestoreServices;
  readonly context: RunContext;
  readonly progress: Progress;
  readonly host: Host;
  readonly plan: RestorePlan;
}

/** Each state is written before what it tells of, so that whoever finds it knows what may be there. */
async function make(making: Making, isDrill: boolean): Promise<Measured> {
  const { services, context, progress, host, plan, stored } = making;
  const { db, uptimeMs } = services;
  const { claim, signal, hold } = context;
  const { explain } = plan;

  progress.enter('create');
  const madeAt = uptimeMs();
  await hold();
  await recordRestore(db, claim, { state: 'making' });
  await hostOutput(host, plan.create, { signal, explain, name: 'The making of the target' });
  if (plan.swap?.isIdentifiedAgain === true) await recordReplaced(db, claim, { host, plan, signal });

  progress.enter('load');
  await recordRestore(db, claim, { state: 'loading' });
  const begunAt = uptimeMs();
  const fed: Fed = { bytes: 0, sha256: null, dumpBytes: 0, isProven: false };
  progress.follow(() => ({ bytes: fed.bytes, total: stored.bytes }));
  const { source, found } = countOnTheWay(stored);
  await loadDump({ host, plan, store: making.store, stored: source, fed, signal });
  await recordRestore(db, claim, { loaded_ms: Math.round(uptimeMs() - begunAt) });
  await recordFound(db, stored, found(), services.now());

  progress.enter('compare');
  const contents = withRows(making.dump.contents, found());
  const counted = await hostOutput(host, plan.count.command, { signal, explain, name: 'The counting' });
  const { tables, difference } = compareCounts(contents, plan.count.read(counted));
  await recordRestore(db, claim, { counts: JSON.stringify(tables) });
  if (difference !== null) throw new AppError('dump_failed', difference);

  progress.enter('finish');
  if (isDrill) {
    await hostOutput(host, plan.check, { signal, explain, name: 'The check of what was restored' });
    return { restoreMs: Math.round(uptimeMs() - madeAt), dumpBytes: fed.dumpBytes };
  }
  await hold();
  await recordRestore(db, claim, { state: 'finishing' });
  const last = await lastCommand(db, claim.runId, plan);
  if (last !== null) await hostOutput(host, last, { signal, explain, name: 'The end of the restore' });
  return { restoreMs: Math.round(uptimeMs() - madeAt), dumpBytes: fed.dumpBytes };
}

interface Progress {
  enter(step: Step, word?: string): void;
  follow(bytes: () => { readonly bytes: number; readonly total: number }): void;
  step(): string;
}

function newProgress({ follow }: RunContext): Progress {
  let step: Step = 'look';
  let word: string = step;
  let bytes: (() => { readonly bytes: number; readonly total: number }) | null = null;
  const note = (): RunNote => {
    if (step !== 'load' || bytes === null) return { step: word, progress: PROGRESS[step] };
    const detail = bytes();
    const part = detail.total === 0 ? 0 : detail.bytes / detail.total;
    const span = PROGRESS.compare - PROGRESS.load;
    return { step: word, progress: Math.floor(PROGRESS.load + span * Math.min(1, part)), detail };
  };
  follow(note);
  return {
    enter(next, as = next) {
      step = next;
      word = as;
    },
    follow(counted) {
      bytes = counted;
    },
    step: () => step,
  };
}

async function closeQuietly({ log }: RestoreServices, close: () => Promise<void>): Promise<void> {
  try {
    await close();
  } catch (error) {
    log.warn('a connection of a restore could not be closed', { error });
  }
}
