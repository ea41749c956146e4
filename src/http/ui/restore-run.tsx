import { type Context, Hono } from 'hono';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { Ended } from '../../../views/parts/live-region.tsx';
import { RestoreProgress, RestoreRunPage, UncertainRestore } from '../../../views/restore/restore-run.tsx';
import { hasRole } from '../../auth/roles.ts';
import { toAppError } from '../../errors.ts';
import { cancelRestore } from '../../restores/cancel-restore.ts';
import { type CleanedUp, cleanUpRestore } from '../../restores/clean-up.ts';
import { dropKept } from '../../restores/drop-kept.ts';
import { dropRestored } from '../../restores/drop-restored.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { isTicked } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { dropIn, explainRestore, loginIn, RESTORE_SECRETS } from './restore-form.ts';
import { loadRestoreItem } from './restore-item.ts';

/** A restore: how far it is, what came of it, and what becomes of that. */
export function restoreRunRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/restores/:id', only('viewer'), async (c) => sendRestore(c, services, freshForm(), 200));

  ui.get('/restores/:id/run', only('viewer'), async (c) => {
    const { item, live } = await loadRestoreItem(services, c.req.param('id'));
    if (live === null && item.runState === 'uncertain') {
      return sendFragment(c, <UncertainRestore item={item} />);
    }
    if (live === null) {
      // Its page has more to tell now than this part of it could.
      c.header('HX-Trigger', 'backups-changed');
      return sendFragment(c, <Ended id="restore-run" url={`/restores/${item.id}/run`} />);
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
        const said = { mayBeGone: isTicked(body, 'mayBeGone'), isThatOne: isTicked(body, 'isThatOne') };
        const input = { confirm: body['confirm'] ?? '', ...loginIn(body), ...said };
        const end = await cleanUpRestore(services, actorOf(c, services), id, input, c.req.raw.signal);
        return { to: `/restores/${id}`, say: wordsOf(end) };
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

function wordsOf({ state, saidGone }: CleanedUp) {
  if (saidGone) return 'restore-said-gone';
  return state === 'done' ? 'restore-found-whole' : 'restore-cleaned-up';
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
