import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { InPlacePage, type InPlacePageProps } from '../../../views/restore/in-place-page.tsx';
import { backupStory } from '../../backups/backup-story.ts';
import { engineFor } from '../../engines/engines.ts';
import { askInPlace, mayGoLive, replacedName } from '../../restores/ask-in-place.ts';
import { restorable } from '../../restores/ask-restore.ts';
import { lookInPlace } from '../../restores/look-at-target.ts';
import { loginFields } from '../../restores/typed-login.ts';
import { findServerName } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { type FormBody, isTicked, textOf } from './kit/form-body.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { explainRestore, RESTORE_SECRETS, toRestore } from './restore-form.ts';

/** A restore in place: the page that says what it replaces, and asks for its name. */
export function inPlaceRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/backups/:backupId/restore-in-place', only('operator'), async (c) => {
    const { props } = await propsOf(c, services, c.req.param('backupId'));
    return sendPage(c, <InPlacePage {...props} live={null} form={freshForm()} checks={null} />);
  });

  ui.post('/backups/:backupId/restore-in-place', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const { props, mayLive } = await propsOf(c, services, backupId);
    const send = (form: FormState, checks: InPlacePageProps['checks'], status: 200 | 422) => {
      // Of a backup that can't be: what is in the way stands at the tick.
      const live = mayLive || form.errors['intoLive'] !== undefined ? liveOf(form.values, checks) : null;
      return sendPage(c, <InPlacePage {...props} live={live} form={form} checks={checks} />, status);
    };
    return submit(c, services, {
      parse: (body) => inputSchema.safeParse(valuesOf(body)),
      secrets: RESTORE_SECRETS,
      asksAgain: true,
      explain: explainRestore,
      refuse: (form) => send(form, null, 422),
      async act(input, body, sent) {
        const actor = actorOf(c, services);
        if (body['action'] === 'look') {
          return send(sent, await lookInPlace(services, actor, backupId, input, c.req.raw.signal), 200);
        }
        return toRestore(askInPlace(services, actor, backupId, input));
      },
    });
  });

  return ui;
}

const inputSchema = z.object({
  confirm: z.string().max(255),
  safetyBackup: z.boolean(),
  endSessions: z.boolean(),
  intoLive: z.boolean(),
  ...loginFields,
});

/** A name counts as it was typed, and so does a password. */
function valuesOf(body: FormBody): z.input<typeof inputSchema> {
  return {
    confirm: body['confirm'] ?? '',
    safetyBackup: !isTicked(body, 'safetyAsked') || isTicked(body, 'safetyBackup'),
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
  const { server_id: serverId } = row.database;
  const serverName = serverId === null ? undefined : await findServerName(services.db, serverId);
  const props = {
    frame,
    backup: {
      id: backupId,
      createdAt: backup.created_at,
      bytes: Number(backup.size),
      verification: backup.verification,
      place: null,
      hasHash: backup.sha256 !== null,
    },
    database: {
      id: database.id,
      name: database.name,
      environmentName: database.environmentName,
      replaced,
      isFile: engineFor(row.database.type)?.isFile === true,
      serverName: serverName ?? 'this machine',
    },
  };
  return { props, mayLive: mayGoLive(row.database.type, backup.format) };
}
