import type { Stored } from '../../backups/stored.ts';
import { loadStored } from '../../backups/stored.ts';
import type { RestoreRow, RunRow } from '../../db/schema.ts';
import { engineFor } from '../../engines/engines.ts';
import type { RestorePlan } from '../../engines/restore.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import type { RunClaim } from '../../runs/claim.ts';
import type { RunContext } from '../../runs/kind.ts';
import type { RestoreRunContext } from '../context.ts';
import { factsOf, type KnownDump } from '../dump-facts.ts';
import { hostOutput } from '../host-output.ts';
import { loadOptionsOf, loadOptionsText, onlyTablesOf } from '../load-options.ts';
import { lookAtSource } from '../look-at-source.ts';
import { nextName } from '../new-name.ts';
import { ofChosen } from '../only-tables.ts';
import { openRestoreTarget, starterOf } from '../open-target.ts';
import type { Measured } from '../record-restored.ts';
import { removeMade } from '../remove-made.ts';
import { loadRestore, recordLooked, recordRestore } from '../restores.ts';
import { safetyChecks } from '../safety-backup.ts';
import { placeChecks } from '../same-place.ts';
import { mayHaveMade, settleDone, settleFailed, settleLater, settleRemoved } from '../settle.ts';
import { recordReplaced, runLast } from '../swap.ts';
import { adoptRestored } from './adopt-restored.ts';
import { afterCommit } from './after-commit.ts';
import { closeQuietly } from './close-quietly.ts';
import { compareRestored } from './compare-restored.ts';
import { countOnTheWay, recordFound, withRows } from './count-on-the-way.ts';
import type { Fed } from './feed-dump.ts';
import { loadDump } from './load-dump.ts';
import { newProgress, type Progress } from './progress.ts';
import { proveBefore } from './prove-before.ts';
import { refused, refuseFailed } from './refused.ts';

const LOOK_MS = 60_000;
const REMOVE_MS = 5 * 60_000;

/** What a drill makes of a restore: it is told of, and then what was made is removed in any case. */
export interface Rehearsal {
  /** All was there, compared and checked: said before it is removed. Throws `superseded` as every record. */
  proven(measured: Measured): Promise<void>;
  /** It failed, or was cancelled: said before what was made is removed. */
  failed(error: unknown): Promise<void>;
}

/**
 * Runs one claimed restore from its first look at the target to its outcome: look → create → load → compare → finish. What failed
 * takes what it has made with it. A stop of the app leaves that to the repair, and so throws.
 */
export async function runRestore(
  context: RestoreRunContext,
  run: RunRow,
  claimed: RunContext,
  rehearsal?: Rehearsal,
): Promise<void> {
  const { db, log, now } = context;
  const progress = newProgress(claimed);
  let ended: Ended;
  try {
    ended = await restore(context, run, claimed, { progress, isDrill: rehearsal !== undefined });
    await rehearsal?.proven(ended.measured);
  } catch (error) {
    if (isAppError(error, 'superseded')) return;
    if (isAppError(error, 'shutdown')) throw error;
    log.warn('a restore failed', { runId: run.id, error });
    await rehearsal?.failed(error);
    const row = await loadRestore(db, run.id);
    const failure = { error, step: progress.step() };
    if (!mayHaveMade(row)) {
      await settleFailed(db, claimed.claim, { ...failure, state: 'none' }, now());
      return;
    }
    progress.enter('finish', 'removing');
    const removalError = mayBeDone(row, error)
      ? 'nobody knows yet whether it has its name.'
      : ((await removeMade(context, row, AbortSignal.timeout(REMOVE_MS), starterOf(row)))?.message ?? null);
    if (removalError === null) await settleFailed(db, claimed.claim, { ...failure, state: 'removed' }, now());
    else await settleLater(db, claimed.claim, { ...failure, removalError }, now());
    return;
  }
  if (rehearsal === undefined) {
    await settleEnded(context, run, claimed.claim, ended);
    return;
  }
  progress.enter('finish', 'removing');
  await settleRemoval(context, await loadRestore(db, run.id), claimed.claim);
}

/** All of it is there; of one that went into a database in use its rows may be others by now. */
async function settleEnded({ db, now }: RestoreRunContext, run: RunRow, claim: RunClaim, ended: Ended) {
  if (ended.difference !== null) {
    const error = new AppError('dump_failed', ended.difference);
    await settleFailed(db, claim, { error, step: 'compare', state: 'done' }, now());
    return;
  }
  const proven = ended.isCompared
    ? { measured: ended.measured, stored: await loadStored(db, run.subject_id ?? '') }
    : null;
  await settleDone(db, claim, now(), proven);
}

/** Removes what a drill has made that proved its backup, and ends its run; what can't be removed now is tried again. */
export async function settleRemoval(
  context: RestoreRunContext,
  row: RestoreRow,
  claim: RunClaim,
  signal: AbortSignal = AbortSignal.timeout(REMOVE_MS),
): Promise<void> {
  const { db, now } = context;
  const notRemoved = await removeMade(context, row, signal, 'schedule');
  if (notRemoved === null) {
    await settleRemoved(db, claim, now());
    return;
  }
  const error = new AppError(
    'dump_refused',
    'The drill went well, but what it had made could not be removed.',
  );
  await settleLater(db, claim, { error, step: 'finish', removalError: notRemoved.message }, now());
}

/** It was found whole, and the command that gives it its name was not heard of any more: the repair runs that again. */
function mayBeDone({ state }: RestoreRow, error: unknown): boolean {
  return (
    state === 'finishing' &&
    isAppError(error, 'cancelled', 'host_dropped', 'host_timeout', 'host_unreachable')
  );
}

async function restore(
  context: RestoreRunContext,
  run: RunRow,
  claimed: RunContext,
  { progress, isDrill }: { readonly progress: Progress; readonly isDrill: boolean },
): Promise<Ended> {
  const { db } = context;
  progress.enter('look');
  const row = await loadRestore(db, run.id);
  if (loadOptionsOf(row).adopts !== undefined) return adoptRestored(context, row, claimed, progress);
  const stored = await loadStored(db, row.backup_id);
  const dump = ofChosen(await factsOf(db, row.backup_id), onlyTablesOf(row));
  const opened = await context.openPlace(stored.place);
  try {
    const { host, plan } = await look(context, row, claimed, { stored, dump, store: opened.store });
    try {
      await recordReplaced(db, claimed.claim, { host, plan, signal: claimed.signal });
      const making = { context, claimed, progress, host, plan, stored, dump, store: opened.store };
      const ended = await make(making, isDrill);
      return onlyTablesOf(row) === null ? ended : { ...ended, isCompared: false };
    } finally {
      await closeQuietly(context, () => host.close());
    }
  } finally {
    await closeQuietly(context, opened.close);
  }
}

interface Source {
  readonly stored: Stored;
  readonly dump: KnownDump;
  readonly store: ObjectStore;
}

/** Looks at source and target. Throws with what is in the way; nothing has been made by then. */
async function look(
  context: RestoreRunContext,
  row: RestoreRow,
  { claim, signal }: RunContext,
  { stored, dump, store }: Source,
): Promise<{ readonly host: Host; readonly plan: RestorePlan }> {
  const place = await placeChecks(context.db, row);
  await refuseFailed(context, claim, place);
  const safety = await safetyChecks(context.db, row);
  const source = [...place, await lookAtSource(store, stored, signal), ...safety];
  const isFile = engineFor(row.engine)?.isFile === true;
  for (let tries = 2, restore = row; ; tries += 1) {
    const opened = await openRestoreTarget(context, restore, dump, starterOf(row));
    try {
      const { preflight } = opened.plan;
      const { command, explain } = preflight;
      const printed = await hostOutput(opened.host, command, {
        ...{ signal, explain, name: 'The look at the target', idleTimeoutMs: LOOK_MS },
      });
      const checks = [...source, ...preflight.read(printed)];
      await recordLooked(context.db, claim, { checks, place: preflight.place?.(printed) });
      const failed = checks.filter(({ ok }) => !ok);
      if (failed.length === 0) return opened;
      const name = row.is_name_ours === 1 ? nextName({ isFile, name: row.new_name }, tries) : undefined;
      if (name === undefined || failed.some((check) => check.name !== 'Name')) throw refused(failed);
      await recordRestore(context.db, claim, { new_name: name });
      restore = { ...restore, new_name: name };
    } catch (error) {
      await opened.host.close();
      throw error;
    }
    await opened.host.close();
  }
}

interface Ended {
  readonly measured: Measured;
  /** Whether all that the backup holds was restored, and compared by what was counted in it. */
  readonly isCompared: boolean;
  /** Of one that can’t be taken back: how its rows are others; null: they are not. */
  readonly difference: string | null;
}

interface Making extends Source {
  readonly context: RestoreRunContext;
  readonly claimed: RunContext;
  readonly progress: Progress;
  readonly host: Host;
  readonly plan: RestorePlan;
}

/** Each state is written before what it tells of, so that whoever finds it knows what may be there. */
async function make(making: Making, isDrill: boolean): Promise<Ended> {
  const { context, claimed, progress, host, plan, stored } = making;
  const { db, uptimeMs } = context;
  const { claim, signal, hold } = claimed;
  const { explain } = plan;
  const isLive = plan.swap?.isByLoad === true;
  const store = isLive ? await prove(making) : making.store;
  const madeAt = uptimeMs();

  progress.enter('create');
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
  await loadDump({ host, plan, store, stored: source, fed, signal });
  const loadedMs = Math.round(uptimeMs() - begunAt);
  await recordRestore(db, claim, { loaded_ms: loadedMs, ...(isLive ? { state: 'finishing' } : {}) });
  await recordFound(db, stored, found(), context.now());
  const measured = () => ({ restoreMs: Math.round(uptimeMs() - madeAt), dumpBytes: fed.dumpBytes });

  progress.enter('compare');
  const dump = { ...making.dump, contents: withRows(making.dump.contents, found()) };
  const comparing = { db, claim, host, plan, dump, signal };
  if (isLive) return { ...(await afterCommit(comparing)), measured: measured() };
  const { difference, isCompared } = await compareRestored(comparing);
  if (difference !== null) throw new AppError('dump_failed', difference);

  progress.enter('finish');
  if (isDrill) {
    await hostOutput(host, plan.check, { signal, explain, name: 'The check of what was restored' });
    return { measured: measured(), isCompared, difference };
  }
  const made = plan.swap === undefined ? await wholeMade(making) : await swapBegun(making);
  await hold();
  await recordRestore(db, claim, { state: 'finishing', ...made });
  await runLast(context, claim.runId, { host, plan, signal });
  return { measured: measured(), isCompared, difference };
}

/** So that a later start can tell whether it is of now. */
async function swapBegun({ context: { db, now }, claimed }: Making) {
  const row = await loadRestore(db, claimed.claim.runId);
  return { load_options: loadOptionsText({ ...loadOptionsOf(row), swapAt: now().toISOString() }) };
}

/** So that a later start can tell that it was found whole, which what was counted alone does not: that is written down where it differs, too. */
async function wholeMade(making: Making) {
  const { context, claimed } = making;
  const made = await identifyMade(making);
  const row = await loadRestore(context.db, claimed.claim.runId);
  return { load_options: loadOptionsText({ ...loadOptionsOf(row), foundWhole: true, made }) };
}

/** So that the very one can be dropped later. That it can't be told is no reason to give up what was restored. */
async function identifyMade({ context, claimed, host, plan }: Making): Promise<string | undefined> {
  if (plan.made === undefined) return undefined;
  const { command, read } = plan.made.identify;
  const { signal } = claimed;
  try {
    const name = 'The look at what was made';
    const options = { signal, explain: plan.explain, name, idleTimeoutMs: LOOK_MS };
    return read(await hostOutput(host, command, options));
  } catch (error) {
    if (signal.aborted) throw error;
    context.log.warn('what a restore has made could not be told from all else', { error });
    return undefined;
  }
}

/** Of one that goes into a database in use: nothing of it is sent there before all of it was read. */
async function prove({ store, stored, progress, claimed: { signal } }: Making) {
  progress.enter('look', 'proving');
  return proveBefore(store, stored, { signal, onProgress: () => {} });
}
