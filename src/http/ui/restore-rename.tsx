import { type Context, Hono } from 'hono';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { RenamePage } from '../../../views/restore/rename-page.tsx';
import { askRename, obstacleToRename, toBeReplaced } from '../../restores/ask-rename.ts';
import { loadRestore } from '../../restores/restores.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { isTicked, textOf } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { explainRestore, RESTORE_SECRETS, toRestore } from './restore-form.ts';
import { loadRestoreItem } from './restore-item.ts';

/** What was restored beside a database takes its place: what that means, and its name typed. */
export function restoreRenameRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/restores/:id/rename', only('operator'), async (c) => send(c, services, freshForm(), 200));

  ui.post('/restores/:id/rename', only('operator'), async (c) => {
    const id = c.req.param('id');
    return submit(c, services, {
      parse: nothingToParse,
      secrets: RESTORE_SECRETS,
      asksAgain: true,
      explain: explainRestore,
      refuse: (form) => send(c, services, form, 422),
      async act(_, body) {
        const asked = askRename(services, actorOf(c, services), id, {
          confirm: body['confirm'] ?? '',
          // As on the page of a restore in place: a form that says nothing of it means that it is made.
          safetyBackup: !isTicked(body, 'safetyAsked') || isTicked(body, 'safetyBackup'),
          endSessions: isTicked(body, 'endSessions'),
          username: textOf(body, 'username') ?? undefined,
          password: body['password'] || undefined,
        });
        return toRestore(asked);
      },
    });
  });

  return ui;
}

async function send(
  c: Context<UiEnv, '/restores/:id/rename'>,
  services: Services,
  form: FormState,
  status: 200 | 422,
) {
  const id = c.req.param('id');
  const { item } = await loadRestoreItem(services, id);
  const { db } = services;
  const row = await loadRestore(db, id);
  const props = { item, form, replaced: (await toBeReplaced(db, row)) ?? item.databaseName };
  const obstacle = await obstacleToRename(db, row);
  const frame = await frameOf(c, services);
  return sendPage(c, <RenamePage {...props} frame={frame} obstacle={obstacle} />, status);
}
