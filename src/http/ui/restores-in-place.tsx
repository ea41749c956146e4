import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { InPlacePage, type InPlacePageProps } from '../../../views/restore/in-place-page.tsx';
import { backupStory } from '../../backups/backup-story.ts';
import { engineFor } from '../../engines/engines.ts';
import type { InputIssue } from '../../errors.ts';
import { askInPlace, mayGoLive, replacedName } from '../../restores/ask-in-place.ts';
import { restorable } from '../../restores/ask-restore.ts';
import { lookInPlace } from '../../restores/look-at-target.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { type FormBody, isTicked, readForm, textOf } from './kit/form-body.ts';
import { askAgain, refusedForm } from './kit/form-failure.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { failureOfRestore, RESTORE_SECRETS } from './restore-form.ts';

/** A restore in place: the page that says what it replaces, and asks for its name. */
export function inPlaceRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/backups/:backupId/restore-in-place', only('operator'), async (c) => {
    const { props } = await propsOf(c, services, c.req.param('backupId'));
    return sendPage(c, <InPlacePage {...props} live={null} form={freshForm()} checks={null} />);
  });

  ui.post('/backups/:backupId/restore-in-place', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const body = await readForm(c);
    const { props, mayLive } = await propsOf(c, services, backupId);
    const send = (form: FormState, checks: InPlacePageProps['checks'], status: 200 | 422) => {
      const again = askAgain(form, body, RESTORE_SECRETS);
      // Of a backup that can't be: what is in the way stands at the tick.
      const live = mayLive || again.errors['intoLive'] !== undefined ? liveOf(body, checks) : null;
      return sendPage(c, <InPlacePage {...props} live={live} form={again} checks={checks} />, status);
    };
    const parsed = inputSchema.safeParse(valuesOf(body));
    if (!parsed.success) {
      const issues = parsed.error.issues as readonly InputIssue[];
      return send(refusedForm(body, issues, RESTORE_SECRETS), null, 422);
    }
    try {
      if (body['action'] === 'look') {
        const checks = await lookInPlace(
          services,
          actorOf(c, services),
          backupId,
          parsed.data,
          c.req.raw.signal,
        );
        const { password: _, ...values } = body;
        return send({ ...freshForm(), values }, checks, 200);
      }
      const { runId } = await askInPlace(services, actorOf(c, services), backupId, parsed.data);
      return c.redirect(`/restores/${runId}`, 303);
    } catch (error) {
      return send(failureOfRestore(body, error), null, 422);
    }
  });

  return ui;
}

const inputSchema = z.object({
  confirm: z.string().max(255),
  safetyBackup: z.boolean(),
  endSessions: z.boolean(),
  intoLive: z.boolean(),
  username: z.string().max(255).optional(),
  password: z.string().max(1024).optional(),
});

/** A name counts as it was typed, and so does a password. */
function valuesOf(body: FormBody): z.input<typeof inputSchema> {
  return {
    confirm: body['confirm'] ?? '',
    safetyBackup: !isTicked(body, 'noSafetyBackup'),
    endSessions: isTicked(body, 'endSessions'),
    intoLive: isTicked(body, 'intoLive'),
    username: textOf(body, 'username') ?? undefined,
    password: body['password'] || undefined,
  };
}

/** Offered where the look finds that nothing can be made beside it. */
function liveOf(body: FormBody, checks: InPlacePageProps['checks']): InPlacePageProps['live'] {
  if (isTicked(body, 'intoLive')) return 'chosen';
  return checks?.some(({ name, ok }) => name === 'Rights' && !ok) ? 'offered' : null;
}

async function propsOf(
  c: Context<UiEnv>,
  services: Services,
  backupId: string,
): Promise<{
  readonly props: Omit<InPlacePageProps, 'form' | 'checks' | 'live'>;
  readonly mayLive: boolean;
}> {
  const row = await restorable(services.db, backupId);
  const replaced = replacedName(row.database);
  const { backup, database } = await backupStory(services, backupId);
  const { frame } = await environmentFrame(c, services, database.environmentId);
  const server =
    row.database.server_id === null
      ? undefined
      : await services.db
          .selectFrom('servers')
          .select('name')
          .where('id', '=', row.database.server_id)
          .executeTakeFirst();
  const props = {
    frame,
    backup: {
      id: backupId,
      createdAt: backup.created_at,
      bytes: Number(backup.size),
      place: null,
      hasHash: backup.sha256 !== null,
    },
    database: {
      id: database.id,
      name: database.name,
      environmentName: database.environmentName,
      replaced,
      isFile: engineFor(row.database.type)?.isFile === true,
      serverName: server?.name ?? 'this machine',
    },
  };
  return { props, mayLive: mayGoLive(row.database.type, backup.format) };
}
