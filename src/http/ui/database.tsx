import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { BackupList } from '../../../views/backup-list.tsx';
import { DatabasePage } from '../../../views/database.tsx';
import type { EnvironmentChoice } from '../../../views/frame/frame.ts';
import { LiveRuns } from '../../../views/live-runs.tsx';
import { TestOutcome, type TestResult } from '../../../views/parts/connection-test.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { ProtectionBanner } from '../../../views/protection-banner.tsx';
import { startBackup } from '../../backups/backup-actions.ts';
import { listBackups, liveBackups } from '../../backups/backups.ts';
import { failuresSinceGood, protectionOfOne } from '../../backups/protection-of.ts';
import { confirmTarget, requireSeenTarget } from '../../databases/confirm-target.ts';
import { type Database, getDatabase, updateDatabase } from '../../databases/databases.ts';
import { prefixWarnings } from '../../databases/prefix-warnings.ts';
import { databaseType } from '../../databases/types.ts';
import { getSettings } from '../../environments/environment-settings.ts';
import { secretField } from '../../fields.ts';
import { getServerRow } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { isStorageEnabled } from '../../storage/enabled.ts';
import { toBackupItem, toLiveRun } from './backup-views.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { readForm } from './kit/form-body.ts';
import { failedForm, refusedForm } from './kit/form-failure.ts';
import { environmentFrame } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { testDatabase } from './test-connections.ts';

const PER_PAGE = 25;
const typedPassword = z.object({ password: secretField(4096).min(1) });

/** The page of one database: test, backups, what runs now. */
export function databasePageRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/databases/:databaseId', only('viewer'), async (c) => sendDatabase(c, services));

  ui.post('/databases/:databaseId/test', only('operator'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    const test = await testDatabase(services, actorOf(c, services), database, c.req.raw.signal);
    return sendDatabase(c, services, { test });
  });

  ui.post('/databases/:databaseId/test/result', only('operator'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    return sendFragment(
      c,
      <TestOutcome result={await testDatabase(services, actorOf(c, services), database, c.req.raw.signal)} />,
    );
  });

  ui.post('/databases/:databaseId/backups', only('operator'), async (c) => {
    const databaseId = c.req.param('databaseId');
    await startBackup(services, actorOf(c, services), databaseId);
    return goTo(c, services, `/databases/${databaseId}`, 'backup-requested');
  });

  ui.post('/databases/:databaseId/password', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    const body = await readForm(c);
    const parsed = typedPassword.safeParse(body);
    if (!parsed.success) {
      return sendDatabase(c, services, { refused: refusedForm({}, parsed.error.issues) });
    }
    try {
      await requireSeenTarget(services.db, id, body['target']);
      await updateDatabase(services, actorOf(c, services), id, parsed.data);
    } catch (error) {
      return sendDatabase(c, services, { refused: failedForm({}, error) });
    }
    return goTo(c, services, `/databases/${id}`, 'password-saved');
  });

  ui.post('/databases/:databaseId/confirm-target', only('admin'), async (c) => {
    const id = c.req.param('databaseId');
    const { target } = await readForm(c);
    try {
      await confirmTarget(services, actorOf(c, services), id, target === undefined ? {} : { target });
    } catch (error) {
      return sendDatabase(c, services, { refused: failedForm({}, error) });
    }
    return goTo(c, services, `/databases/${id}`, 'target-confirmed');
  });

  ui.get('/databases/:databaseId/backups', only('viewer'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    const list = await listOf(c, services, database);
    return sendFragment(c, <BackupList databaseId={database.id} {...list} />);
  });

  ui.get('/databases/:databaseId/protection', only('viewer'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    const protection = await shownProtection(services, database);
    return sendFragment(c, <ProtectionBanner databaseId={database.id} protection={protection} />);
  });

  ui.get('/databases/:databaseId/runs', only('viewer'), async (c) => {
    const { id } = await getDatabase(services.db, c.req.param('databaseId'));
    const runs = await liveRunsOf(services, id);
    // The page says which runs it shows: when that is no longer so, its list of backups is out of date too.
    if (runs.map((run) => run.id).join(',') !== c.req.query('shown'))
      c.header('HX-Trigger', 'backups-changed');
    return sendFragment(c, <LiveRuns databaseId={id} runs={runs} mayChange={mayChange(c)} />);
  });

  return ui;
}

/** The page of one database; with a refused form it says so and answers 422. */
async function sendDatabase(
  c: Context<UiEnv, '/databases/:databaseId'>,
  services: Services,
  shown: { readonly test?: TestResult; readonly refused?: FormState } = {},
) {
  const database = await getDatabase(services.db, c.req.param('databaseId'));
  const { frame, environment } = await environmentFrame(c, services, database.environmentId);
  // Before the list: what ends in between is then noticed by the next look at the runs.
  const runs = await liveRunsOf(services, database.id);
  const { backups, page, allowDownload, isStorageEnabled } = await listOf(c, services, database);
  return sendPage(
    c,
    <DatabasePage
      frame={frame}
      database={await summaryOf(services, database, environment)}
      runs={runs}
      backups={backups}
      page={page}
      allowDownload={allowDownload}
      isStorageEnabled={isStorageEnabled}
      test={shown.test ?? null}
      held={database.passwordHeld}
      passwordForm={shown.refused ?? freshForm()}
    />,
    shown.refused === undefined ? 200 : 422,
  );
}

async function listOf(c: Context<UiEnv>, services: Services, database: Database) {
  const page = pageOf(c, PER_PAGE);
  const { backups, total } = await listBackups(services.db, database.id, page);
  const settings = await getSettings(services.db, database.environmentId, 'data');
  return {
    backups: backups.map(toBackupItem),
    page: { ...page, total },
    allowDownload: settings['allowBackupDownload'] === true,
    isStorageEnabled: await isStorageEnabled(services.db, database.environmentId),
    mayChange: mayChange(c),
    mayConfigure: c.get('session').user.role === 'admin',
  };
}

async function liveRunsOf(services: Services, databaseId: string) {
  const backups = await liveBackups(services.db, databaseId);
  return backups.map((backup) => toLiveRun(backup, services.runs.progress(backup.id)));
}

function mayChange(c: Context<UiEnv>): boolean {
  return c.get('session').user.role !== 'viewer';
}

async function summaryOf(services: Services, database: Database, environment: EnvironmentChoice) {
  const typeName = databaseType(database.type)?.displayName ?? database.type;
  const server = database.serverId === null ? null : await getServerRow(services.db, database.serverId);
  const facts: (readonly [string, string])[] = [
    ['Type', typeName],
    ['Server', server?.name ?? 'the machine that BRIDGEPORT runs on'],
    ...(database.host === null ? [] : [['Host', hostOf(database)] as const]),
    ...(database.databaseName === null ? [] : [['Database', database.databaseName] as const]),
    ...(database.filePath === null ? [] : [['File', database.filePath] as const]),
    ['Format', `${database.backupFormat}, ${compressionOf(database)}`],
    ['Backup storage', storageOf(database)],
  ];
  const warnings = await prefixWarnings(services.db, database);
  const protection = await shownProtection(services, database);
  return { id: database.id, name: database.name, typeName, environment, facts, protection, warnings };
}

async function shownProtection(services: Services, { id }: Pick<Database, 'id'>) {
  const known = await protectionOfOne(services, id);
  const { state, lastGood, dueAt, maxAgeHours } = known;
  const failures = state === 'protected' ? null : await failuresSinceGood(services.db, id, known);
  return { state, lastGoodAt: lastGood?.at ?? null, dueAt, failures, maxAgeHours };
}

function hostOf({ host, port }: Database): string {
  return port === null ? (host ?? '') : `${host} port ${port}`;
}

function compressionOf({ backupCompression, backupCompressionLevel }: Database): string {
  return backupCompression === 'none'
    ? 'not compressed'
    : `${backupCompression} level ${backupCompressionLevel}`;
}

function storageOf(database: Database): string {
  if (database.backupStorageType === 'local') return `Local: ${database.backupLocalPath ?? '/var/backups'}`;
  return `Spaces: ${database.backupSpacesBucket ?? 'no bucket chosen'}, ${database.backupSpacesPrefix ?? ''}`;
}
