import { type Context, Hono } from 'hono';
import { queryOf, withOffset } from '../../../views/database/listed-backups.ts';
import { questionOfBackups, questionOfFailed } from '../../../views/database/questions.tsx';
import type { Question } from '../../../views/parts/dialog.tsx';
import { changePin, removeBackups } from '../../backups/backup-actions.ts';
import { failedBackups, findBackup } from '../../backups/backups.ts';
import { leavesNoGood } from '../../backups/newest-backups.ts';
import { protectionOfOne } from '../../backups/protection-of.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { askVerification } from '../../verifications/ask-verification.ts';
import { backupFilterOf } from './database-view.ts';
import { actorOf } from './kit/actor.ts';
import { type FlashKey, goTo } from './kit/flash.ts';
import { type FormBody, readForm, readValues } from './kit/form-body.ts';
import { only } from './kit/roles.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** A page of the list; who sends more has not ticked boxes. */
const MOST_SELECTED = 100;
/** Rows that one click deletes: people wait for it. */
const MOST_FAILED = 200;

/** What is done to the backups that are ticked in a database's list, or to all that failed. */
export function selectedBackupRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.post('/databases/:databaseId/backups/delete', only('operator'), async (c) => {
    const databaseId = c.req.param('databaseId');
    const ids = (await readValues(c, 'id')).slice(0, MOST_SELECTED);
    const deleted = await removeBackups(services, actorOf(c, services), databaseId, ids);
    return goTo(c, services, backTo(databaseId, await readForm(c)), 'backups-deleted', deleted);
  });

  ui.post('/databases/:databaseId/backups/delete-failed', only('operator'), async (c) => {
    const databaseId = c.req.param('databaseId');
    // What fails while somebody reads the question was not asked about.
    const through = instantIn((await readForm(c))['through']);
    const { ids } = await failedBackups(services.db, databaseId, through, MOST_FAILED);
    const deleted = await removeBackups(services, actorOf(c, services), databaseId, ids);
    return goTo(c, services, `/databases/${databaseId}`, 'backups-deleted', deleted);
  });

  ui.post('/databases/:databaseId/backups/pin', only('operator'), async (c) => {
    const actor = actorOf(c, services);
    return toEach(c, services, ['backups-pinned', 'nothing-selected'], async (databaseId, backupId) => {
      await changePin(services, actor, { databaseId, backupId }, true);
    });
  });

  ui.post('/databases/:databaseId/backups/read', only('operator'), async (c) => {
    const actor = actorOf(c, services);
    return toEach(c, services, ['backups-read', 'none-to-read'], async (databaseId, backupId) => {
      await requireOwn(services, databaseId, backupId);
      await askVerification(services, actor, backupId);
    });
  });

  return ui;
}

/** Does it to each that is ticked and still there, and says to how many. */
async function toEach(
  c: Context<UiEnv, string>,
  services: Services,
  [done, none]: readonly [FlashKey, FlashKey],
  doIt: (databaseId: string, backupId: string) => Promise<void>,
): Promise<Response> {
  const databaseId = c.req.param('databaseId') ?? '';
  const ids = ticked(await readValues(c, 'select'));
  let count = 0;
  for (const id of ids) {
    try {
      await doIt(databaseId, id);
      count += 1;
    } catch (error) {
      // Somebody deleted it since the list was made, it failed, or it is being read already.
      if (!isAppError(error, 'not_found', 'conflict')) throw error;
    }
  }
  const say = count > 0 ? done : ids.length === 0 ? 'nothing-selected' : none;
  return goTo(c, services, backTo(databaseId, await readForm(c)), say, count);
}

/** A line of the list stands for several, where the same failure was folded. */
function ticked(values: readonly string[]): readonly string[] {
  const ids = values.flatMap((value) => value.split(','));
  return [...new Set(ids)].filter((id) => id !== '').slice(0, MOST_SELECTED);
}

async function requireOwn({ db }: Services, databaseId: string, backupId: string): Promise<void> {
  const backup = await findBackup(db, backupId);
  if (backup?.database_id !== databaseId) throw new AppError('not_found', 'Backup not found');
}

/** The list as it was when the boxes were ticked. */
function backTo(databaseId: string, said: FormBody): string {
  const offset = /^[1-9]\d{0,8}$/.test(said['offset'] ?? '') ? Number(said['offset']) : 0;
  const filter = { ...backupFilterOf(said), each: said['each'] !== undefined };
  return `/databases/${databaseId}${withOffset(queryOf(filter), offset)}`;
}

/** What the address asks about: a question, null for none, or where to go and say that nothing was ticked. */
export async function askedOf(
  c: Context<UiEnv>,
  services: Services,
  { id: databaseId, name }: { readonly id: string; readonly name: string },
): Promise<Question | null | { readonly nothingAt: string }> {
  const said = c.req.query();
  const back = backTo(databaseId, said);
  if (said['ask'] === 'delete-failed') return aboutFailed(services, databaseId, back);
  const ids = ticked(c.req.queries('select') ?? []);
  if (ids.length === 0) return said['ask'] === 'delete' ? { nothingAt: back } : null;
  const { lastGood } = await protectionOfOne(services, databaseId);
  const found = await Promise.all(ids.map((id) => findBackup(services.db, id)));
  const selected = found.flatMap((backup) =>
    backup === undefined || backup.database_id !== databaseId
      ? []
      : {
          id: backup.id,
          bytes: Number(backup.size),
          isPinned: backup.is_pinned === 1,
          isLastGood: backup.id === lastGood?.id,
        },
  );
  if (selected.length === 0) return null;
  const { result, day, each, offset } = said;
  const deleted = selected.map(({ id }) => id);
  return questionOfBackups({ id: databaseId, name }, selected, {
    ...{ back, keeps: { result, day, each, offset } },
    leavesNoGood: await leavesNoGood(services.db, databaseId, deleted),
  });
}

async function aboutFailed({ db, now }: Services, databaseId: string, back: string) {
  const through = now().toISOString();
  const { ids, total } = await failedBackups(db, databaseId, through, MOST_FAILED);
  if (total === 0) return null;
  return questionOfFailed(databaseId, { count: ids.length, total, through, back });
}

function instantIn(text: string | undefined): string {
  if (text !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return text;
  throw new AppError('invalid', 'Open the page of the database again, and ask for it there.');
}
