import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { RestorePage, type RestorePageProps } from '../../../views/restore/restore-page.tsx';
import { RestoreProgress, RestoreRunPage, UncertainRestore } from '../../../views/restore/restore-run.tsx';
import { hasRole } from '../../auth/roles.ts';
import { backupStory } from '../../backups/backup-story.ts';
import { readContents } from '../../backups/contents.ts';
import { getDatabaseRow } from '../../databases/databases.ts';
import { engineFor } from '../../engines/engines.ts';
import { type InputIssue, toAppError } from '../../errors.ts';
import { askRestore, restorable, takesJobs } from '../../restores/ask-restore.ts';
import { cancelRestore } from '../../restores/cancel-restore.ts';
import { cleanUpRestore } from '../../restores/clean-up.ts';
import { dropKept } from '../../restores/drop-kept.ts';
import { jobCount, tableNames } from '../../restores/load-options.ts';
import { lookAtTarget } from '../../restores/look-at-target.ts';
import { proposedName } from '../../restores/new-name.ts';
import { selectsTables, tablesNamed } from '../../restores/only-tables.ts';
import { listServersOf } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, numberOf, readForm, textOf } from './kit/form-body.ts';
import { askAgain, refusedForm } from './kit/form-failure.ts';
import { environmentFrame, frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { failureOfRestore, RESTORE_SECRETS } from './restore-form.ts';
import { loadRestoreItem } from './restore-item.ts';

const MOST_SERVERS = 500;

/** Restoring a backup: where to, what that finds there, how far it is, and what came of it. */
export function restoreRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/backups/:backupId/restore', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    await restorable(services.db, backupId);
    const known = await formOf(c, services, backupId);
    return sendPage(c, <RestorePage {...known.props} form={freshForm(known.proposed)} checks={null} />);
  });

  ui.post('/backups/:backupId/restore', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const body = await readForm(c);
    const known = await formOf(c, services, backupId);
    const send = (form: FormState, checks: RestorePageProps['checks'], status: 200 | 422) =>
      sendPage(c, <RestorePage {...known.props} form={form} checks={checks} />, status);
    const again = (form: FormState) => send(askAgain(form, body, RESTORE_SECRETS), null, 422);
    const actor = actorOf(c, services);
    try {
      const tables = known.props.selectsTables
        ? tablesNamed(await readContents(services.db, backupId), body['tables'] ?? '')
        : undefined;
      const jobs = known.props.takesJobs ? (numberOf(body, 'jobs') ?? undefined) : undefined;
      const parsed = inputSchema.safeParse({ ...valuesOf(body, known.props.database.isFile), tables, jobs });
      if (!parsed.success)
        return again(refusedForm(body, parsed.error.issues as readonly InputIssue[], RESTORE_SECRETS));
      if (body['action'] === 'look') {
        const checks = await lookAtTarget(services, actor, backupId, parsed.data, c.req.raw.signal);
        return send(
          askAgain({ ...freshForm(), values: withoutPassword(body) }, body, RESTORE_SECRETS),
          checks,
          200,
        );
      }
      const { runId } = await askRestore(services, actor, backupId, parsed.data);
      return c.redirect(`/restores/${runId}`, 303);
    } catch (error) {
      return again(failureOfRestore(body, error));
    }
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
    const body = await readForm(c);
    const login = {
      username: textOf(body, 'username') ?? undefined,
      password: body['password'] || undefined,
    };
    try {
      await cleanUpRestore(services, actorOf(c, services), id, login, c.req.raw.signal);
    } catch (error) {
      return sendRestore(c, services, failureOfRestore(body, error), 422);
    }
    return goTo(c, services, `/restores/${id}`, 'restore-cleaned-up');
  });

  ui.post('/restores/:id/drop-kept', only('operator'), async (c) => {
    const id = c.req.param('id');
    const body = await readForm(c);
    const input = {
      confirm: body['confirm'] ?? '',
      username: textOf(body, 'username') ?? undefined,
      password: body['password'] || undefined,
    };
    try {
      await dropKept(services, actorOf(c, services), id, input, c.req.raw.signal);
    } catch (error) {
      return sendRestore(c, services, failureOfRestore(body, error), 422);
    }
    return goTo(c, services, `/restores/${id}`, 'kept-dropped');
  });

  return ui;
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
async function formOf(c: Context<UiEnv>, services: Services, backupId: string) {
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
    props: {
      frame,
      backup: {
        id: backupId,
        createdAt: backup.created_at,
        bytes: Number(backup.size),
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
      servers: await serversFor(services, hasRole(c.get('session').user.role, 'admin'), database),
    },
    proposed: {
      serverId: database.serverId ?? '',
      // Of a database the restore finds a free one by itself; a path is for a person to see.
      newName: isFile ? proposedName(named, services.now()) : '',
      host: row.host ?? '',
      port: row.port === null ? '' : String(row.port),
    },
  };
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
  tables: tableNames.optional(),
  jobs: jobCount.optional(),
});

/** A password counts as it was typed, with the blanks around it. */
function valuesOf(body: FormBody, isFile: boolean): z.input<typeof inputSchema> {
  return {
    newName: textOf(body, 'newName') ?? undefined,
    serverId: textOf(body, 'serverId'),
    ...(isFile
      ? {}
      : {
          host: textOf(body, 'host'),
          port: numberOf(body, 'port'),
          username: textOf(body, 'username') ?? undefined,
          password: body['password'] || undefined,
        }),
    confirm: textOf(body, 'confirm') ?? undefined,
  };
}

function withoutPassword({ password: _, ...values }: Record<string, string>): FormBody {
  return values;
}
