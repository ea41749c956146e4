import { type Context, Hono } from 'hono';
import type { Question } from '../../../views/parts/dialog.tsx';
import type { FormState } from '../../../views/parts/form-state.ts';
import { questionOfPolicy, RetentionPage } from '../../../views/retention/retention-page.tsx';
import { getDatabase } from '../../databases/databases.ts';
import { readDefaults } from '../../retention/defaults.ts';
import type { PolicyInput } from '../../retention/policy-input.ts';
import {
  acceptSize,
  previewRetention,
  retentionOf,
  rotate,
  savePolicy,
} from '../../retention/retention-actions.ts';
import type { Services } from '../../services-port.ts';
import { summaryOf } from './database-summary.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { readForm } from './kit/form-body.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { formOfPolicy, parsePolicy, policyValues, presetChoices } from './retention-form.ts';
import { previewOf } from './retention-preview.ts';

/** How long a form waits for what it prunes; the rest is done in the background. */
const PRUNES_WITHIN_MS = 10_000;

/** A database's retention: what stays and goes, and the policy. */
export function retentionRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/databases/:databaseId/retention', only('viewer'), async (c) => sendRetention(c, services, {}));

  ui.post('/databases/:databaseId/retention', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    return submit(c, services, {
      parse: parsePolicy,
      // Of two that save, the later would prune what the earlier had decided to keep.
      stored: async () => policyValues(await retentionOf(services, id)),
      refuse: (form) => sendRetention(c, services, { form, status: 422 }),
      async act(input, body, form) {
        const saved = await savePolicy(services, actorOf(c, services), id, input, soon());
        if (saved.kind !== 'confirm') return { to: `/databases/${id}/retention`, say: 'retention-saved' };
        // Nothing was saved yet: a person is asked first.
        const go = { count: saved.prune.length, bytes: saved.bytesFreed };
        const question = questionOfPolicy(`/databases/${id}/retention`, go, body);
        return sendRetention(c, services, { form, input, question, status: 409 });
      },
    });
  });

  ui.post('/databases/:databaseId/retention/preview', only('operator'), async (c) =>
    submit(c, services, {
      parse: parsePolicy,
      refuse: (form) => sendRetention(c, services, { form, status: 422 }),
      act: (input, _, form) => sendRetention(c, services, { form, input }),
    }),
  );

  ui.post('/databases/:databaseId/retention/accept', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    const { since } = await readForm(c);
    await acceptSize(services, actorOf(c, services), id, since);
    return goTo(c, services, `/databases/${id}/retention`, 'size-accepted');
  });

  ui.post('/databases/:databaseId/retention/rotate', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    const { errors } = await rotate(services, actorOf(c, services), id, soon());
    const say = errors.length === 0 ? 'rotated' : 'rotated-partly';
    return goTo(c, services, `/databases/${id}/retention`, say, errors.length);
  });

  return ui;
}

const soon = () => AbortSignal.timeout(PRUNES_WITHIN_MS);

async function sendRetention(
  c: Context<UiEnv>,
  services: Services,
  shown: {
    readonly form?: FormState;
    /** What was typed, to be shown instead of what counts. */
    readonly input?: PolicyInput;
    readonly question?: Question;
    readonly status?: 200 | 409 | 422;
  },
) {
  const database = await getDatabase(services.db, c.req.param('databaseId') ?? '');
  const { frame, environment } = await environmentFrame(c, services, database.environmentId);
  const state = await retentionOf(services, database.id);
  const decided = await previewRetention(services, database.id, shown.input ?? null);
  const { zone } = await readDefaults(services.db);
  return sendPage(
    c,
    <RetentionPage
      frame={frame}
      database={await summaryOf(services, database, environment)}
      retention={{
        policy: state.effective,
        zone,
        presets: presetChoices(state.globalDefault),
      }}
      preview={previewOf(c, decided, {
        path: `/databases/${database.id}/retention`,
        hasAddress: shown.input === undefined && c.req.method === 'GET',
        zone,
        now: services.now(),
      })}
      form={shown.form ?? formOfPolicy(state)}
      question={shown.question ?? null}
    />,
    shown.status ?? 200,
  );
}
