import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { RestorePage } from '../../../views/restore/restore-page.tsx';
import type { RestorePageProps } from '../../../views/restore/restore-props.ts';
import { RestoreProgress, RestoreRunPage, UncertainRestore } from '../../../views/restore/restore-run.tsx';
import { RestoreSummary } from '../../../views/restore/restore-summary.tsx';
import { hasRole } from '../../auth/roles.ts';
import { backupStory } from '../../backups/backup-story.ts';
import type { BackupWithTrigger } from '../../backups/backups.ts';
import { readContents } from '../../backups/contents.ts';
import { restorableOfOne } from '../../backups/restorable.ts';
import { getDatabaseRow } from '../../databases/databases.ts';
import { engineFor } from '../../engines/engines.ts';
import { AppError, toAppError } from '../../errors.ts';
import { askRestore, restorable, takesJobs } from '../../restores/ask-restore.ts';
import { cancelRestore } from '../../restores/cancel-restore.ts';
import { cleanUpRestore } from '../../restores/clean-up.ts';
import { dropKept } from '../../restores/drop-kept.ts';
import { dropRestored } from '../../restores/drop-restored.ts';
import { jobCount } from '../../restores/load-options.ts';
import { lookAtTarget } from '../../restores/look-at-target.ts';
import { proposedName } from '../../restores/new-name.ts';
import { selectsTables, tablesNamed } from '../../restores/only-tables.ts';
import { listServersOf } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, isTicked, numberOf, textOf } from './kit/form-body.ts';
import { environmentFrame, frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import { nothingToParse, type Parsed, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { restoreChoices } from './restore-choices.ts';
import { dropIn, explainRestore, loginIn, lostChoice, RESTORE_SECRETS } from './restore-form.ts';
import { loadRestoreItem } from './restore-item.ts';

const MOST_SERVERS = 500;

/** Restoring a backup: where to, what that finds there, how far it is, and what came of it. */
export function restoreRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/backups/:backupId/restore', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const other = c.req.query('backup');
    if (other !== undefined && other !== backupId) {
      return c.redirect(`/backups/${encodeURIComponent(other)}/restore`, 303);
    }
    await restorable(services.db, backupId);
    const known = await formOf(c, services, backupId);
    return sendPage(
      c,
      <RestorePage {...known} form={freshForm({ where: 'beside', ...known.proposed })} checks={null} />,
    );
  });

  ui.get('/backups/:backupId/restore/summary', only('operator'), async (c) => {
    const known = await formOf(c, services, c.req.param('backupId'));
    const { where = '', serverId = '', newName = '', host, port, refused } = c.req.query();
    const { proposed } = known;
    const form = freshForm({
      ...{ where, serverId, newName },
      ...{ host: host ?? proposed['host'] ?? '', port: port ?? proposed['port'] ?? '' },
    });
    return sendFragment(c, <RestoreSummary {...known} form={form} isRefused={refused === 'true'} />);
  });

  ui.post('/backups/:backupId/restore', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const props = await formOf(c, services, backupId);
    return submit(c, services, {
      parse: (body): Parsed<z.infer<typeof inputSchema> | null> =>
        (body['backup'] ?? backupId) !== backupId
          ? nothingToParse()
          : inputSchema.safeParse({
              ...valuesOf(body, props),
              jobs: props.takesJobs ? (numberOf(body, 'jobs') ?? undefined) : undefined,
            }),
      secrets: RESTORE_SECRETS,
      asksAgain: true,
      explain: explainRestore,
      refuse: (form) => sendPage(c, <RestorePage {...props} form={form} checks={null} />, 422),
      async act(input, body, sent) {
        if (input === null)
          return sendOther(c, services, { ...props.database, backupId: body['backup'] ?? '' }, sent);
        if (body['where'] === 'in-place') return { to: `/backups/${backupId}/restore-in-place` };
        const lost = lostChoice(body, props);
        if (lost !== null) throw new AppError('invalid', lost);
        const actor = actorOf(c, services);
        const tables = props.selectsTables
          ? tablesNamed(await readContents(services.db, backupId), body['tables'] ?? '')
          : undefined;
        const wish = { ...input, tables };
        if (body['action'] === 'look') {
          const checks = await lookAtTarget(services, actor, backupId, wish, c.req.raw.signal);
          return sendPage(c, <RestorePage {...props} form={sent} checks={checks} />);
        }
        const { runId } = await askRestore(services, actor, backupId, wish);
        return { to: `/restores/${runId}` };
      },
    });
  });

  ui.get('/restores/:id', only('viewer'), async (c) => sendRestore(c, services, freshForm(), 200));

  ui.get('/restores/:id/run', only('viewer'), async (c) => {
    const { item, live } = await loadRestoreItem(services, c.req.param('id'));
    if (live === null && item.runState === 'uncertain') {
      return sendFragment(c, <UncertainRestore item={item} />);
    }
    if (live === null) {
      // Its page has more to tell now than a part of it could.
      c.header('HX-Refresh', 'true');
      return c.body(null, 200);
    }
    const mayChange = hasRole(c.get('session').user.role, 'operator');
    return sendFragment(c, <RestoreProgress item={item} live={live} mayChange={mayChange} />);
  });

  ui.post('/restores/:id/cancel', only('operator'), async (c) => {
    const id = c.req.param('id');
    try {
      await cancelRestore(services, actorOf(c, services), id);
    } catch (error) {
      // It ended between the page and the click: the page shows how.
      if (toAppError(error).code !== 'conflict') throw error;
      return c.redirect(`/restores/${id}`, 303);
    }
    return goTo(c, services, `/restores/${id}`, 'restore-cancelled');
  });

  ui.post('/restores/:id/clean-up', only('operator'), async (c) => {
    const id = c.req.param('id');
    return submit(c, services, {
      ...atItsEnd(c, services),
      async act(_, body) {
        const input = { ...loginIn(body), mayBeGone: isTicked(body, 'mayBeGone') };
        const end = await cleanUpRestore(services, actorOf(c, services), id, input, c.req.raw.signal);
        return { to: `/restores/${id}`, say: end === 'done' ? 'restore-found-whole' : 'restore-cleaned-up' };
      },
    });
  });

  ui.post('/restores/:id/drop-kept', only('operator'), async (c) => {
    const id = c.req.param('id');
    return submit(c, services, {
      ...atItsEnd(c, services),
      async act(_, body) {
        const end = await dropKept(services, actorOf(c, services), id, dropIn(body), c.req.raw.signal);
        return { to: `/restores/${id}`, say: end === 'taken-back' ? 'kept-taken-back' : 'kept-dropped' };
      },
    });
  });

  ui.post('/restores/:id/drop', only('operator'), async (c) => {
    const id = c.req.param('id');
    return submit(c, services, {
      ...atItsEnd(c, services),
      async act(_, body) {
        await dropRestored(services, actorOf(c, services), id, dropIn(body), c.req.raw.signal);
        return { to: `/restores/${id}`, say: 'restored-dropped' };
      },
    });
  });

  return ui;
}

/** The form as it was filled, for the other backup of that database that was chosen in it: nothing is restored. */
async function sendOther(
  c: Context<UiEnv>,
  services: Services,
  chosen: { readonly id: string; readonly backupId: string },
  form: FormState,
) {
  const { backup } = await restorable(services.db, chosen.backupId);
  if (backup.database_id !== chosen.id) throw new AppError('not_found', 'Backup not found');
  const props = await formOf(c, services, backup.id);
  const lost = lostChoice(form.values, props);
  if (lost === null) return sendPage(c, <RestorePage {...props} form={form} checks={null} />);
  return sendPage(c, <RestorePage {...props} form={{ ...form, message: lost }} checks={null} />, 422);
}

/** What the forms of a restore's own page have in common. */
function atItsEnd(c: Context<UiEnv>, services: Services) {
  return {
    parse: nothingToParse,
    secrets: RESTORE_SECRETS,
    explain: explainRestore,
    refuse: (form: FormState) => sendRestore(c, services, form, 422),
  };
}

async function sendRestore(
  c: Context<UiEnv>,
  services: Services,
  form: FormState,
  status: 200 | 422,
): Promise<Response> {
  const { item, live } = await loadRestoreItem(services, c.req.param('id') ?? '');
  const frame = await frameOf(c, services);
  return sendPage(c, <RestoreRunPage frame={frame} item={item} live={live} form={form} />, status);
}

/** What the page knows before anybody has typed, and what it proposes. */
async function formOf(
  c: Context<UiEnv>,
  services: Services,
  backupId: string,
): Promise<Omit<RestorePageProps, 'form' | 'checks'>> {
  const story = await backupStory(services, backupId);
  const { backup, database, where } = story;
  const { frame } = await environmentFrame(c, services, database.environmentId);
  const engine = engineFor(database.type);
  const isFile = engine?.isFile ?? false;
  const row = await getDatabaseRow(services.db, database.id);
  const { filePath } = filePathSchema.parse(JSON.parse(row.options));
  const place =
    where === null
      ? null
      : where.kind === 'bucket'
        ? `bucket ${where.bucket}`
        : (where.serverName ?? 'this machine');
  const named = { isFile, databaseName: row.database_name, filePath: filePath ?? null };
  return {
    frame,
    backup: {
      id: backupId,
      createdAt: backup.created_at,
      bytes: Number(backup.size),
      verification: backup.verification,
      place,
      hasHash: backup.sha256 !== null,
    },
    selectsTables: selectsTables(database.type, backup.format),
    takesJobs: takesJobs(database.type, backup.format),
    database: {
      id: database.id,
      name: database.name,
      environmentName: database.environmentName,
      engineName: engine?.displayName ?? database.type,
      isFile,
      swaps: engine?.swaps ?? false,
    },
    choices: await restoreChoices(services, database.id),
    servers: await serversFor(services, hasRole(c.get('session').user.role, 'admin'), database),
    ownServerId: database.serverId ?? '',
    aboutSeconds: await aboutSeconds(services, backup),
    proposed: {
      newName: isNamed(named) ? proposedName(named, services.now()) : '',
      host: row.host ?? '',
      port: row.port === null ? '' : String(row.port),
    },
  };
}

/** By how long this very backup took, or the last one of its database by its bytes; null where none was measured. */
async function aboutSeconds({ db }: Services, backup: BackupWithTrigger): Promise<number | null> {
  if (backup.restored_ms !== null) return Number(backup.restored_ms) / 1000;
  const { restorable: last } = await restorableOfOne(db, backup.database_id);
  const bytes = Number(backup.bytes_read);
  if (last === null || last.bytes <= 0 || bytes <= 0) return null;
  return (last.restoreMs / 1000) * (bytes / last.bytes);
}

/** Whether there is anything that a name could be made of. */
function isNamed({ isFile, databaseName, filePath }: Parameters<typeof proposedName>[0]): boolean {
  return Boolean(isFile ? filePath : databaseName);
}

const filePathSchema = z.object({ filePath: z.string().nullish() });

/** Those of its environment, its own first; for admins of the others, too. */
async function serversFor(
  { db }: Pick<Services, 'db'>,
  isAdmin: boolean,
  database: {
    readonly serverId: string | null;
    readonly environmentId: string;
    readonly environmentName: string;
  },
): Promise<RestorePageProps['servers']> {
  const page = { limit: MOST_SERVERS, offset: 0 };
  const servers = await listServersOf(db, isAdmin ? null : database.environmentId, page);
  const choices = servers.map(({ id, name, environmentId, environmentName }) => ({
    ...{ id, name, environmentName },
    isElsewhere: environmentId !== database.environmentId,
  }));
  const here = {
    id: '',
    name: 'The machine of this app',
    environmentName: database.environmentName,
    isElsewhere: false,
  };
  const all = database.serverId === null ? [here, ...choices] : choices;
  const rank = ({ id, isElsewhere }: (typeof all)[number]) =>
    id === (database.serverId ?? '') ? 0 : isElsewhere ? 2 : 1;
  return [...all].sort((one, other) => rank(one) - rank(other));
}

const inputSchema = z.object({
  newName: z.string().max(1024).optional(),
  serverId: z.string().max(64).nullable(),
  host: z.string().max(255).nullable().optional(),
  port: z.number({ error: 'Enter a number.' }).int().min(1).max(65_535).nullable().optional(),
  username: z.string().max(255).optional(),
  password: z.string().max(1024).optional(),
  confirm: z.string().max(255).optional(),
  jobs: jobCount.optional(),
});

function valuesOf(
  body: FormBody,
  {
    database: { isFile },
    proposed,
    ownServerId,
  }: Pick<RestorePageProps, 'database' | 'proposed' | 'ownServerId'>,
): z.input<typeof inputSchema> {
  const newName = textOf(body, 'newName') ?? undefined;
  return {
    // A database's that nobody has changed is ours: where it is taken, the next free one is found. A path is for a person to see.
    newName: !isFile && newName === proposed['newName'] ? undefined : newName,
    serverId: body['where'] === 'beside' ? ownServerId || null : chosenServer(body),
    ...(isFile
      ? {}
      : {
          host: textOf(body, 'host'),
          port: numberOf(body, 'port'),
          ...loginIn(body),
        }),
    confirm: textOf(body, 'confirm') ?? undefined,
  };
}

/** None at all is the machine of the app, which nobody means by another server without naming one. */
function chosenServer(body: FormBody): string | null {
  return textOf(body, 'serverId') ?? (body['where'] === 'elsewhere' ? 'none' : null);
}
