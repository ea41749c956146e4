import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { BackupList } from '../../../views/database/backup-list.tsx';
import { HeadAnew } from '../../../views/database/database-head.tsx';
import { DatabasePage, Figures } from '../../../views/database/database-page.tsx';
import { LiveRuns } from '../../../views/database/live-runs.tsx';
import { ProtectionBanner } from '../../../views/database/protection-banner.tsx';
import { questionOfDatabase } from '../../../views/database/questions.tsx';
import { DatabaseSettingsPage } from '../../../views/database/settings-page.tsx';
import { MenuCounts } from '../../../views/frame/sidebar.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { TestOutcome, type TestResult } from '../../../views/parts/try-connection.tsx';
import { hasRole } from '../../auth/roles.ts';
import { startBackup } from '../../backups/backup-actions.ts';
import { countBackups } from '../../backups/backups.ts';
import { knownDatabases } from '../../backups/known-databases.ts';
import { removeDatabase, whatDependsOn } from '../../backups/remove-database.ts';
import { confirmTarget, requireSeenTarget } from '../../databases/confirm-target.ts';
import { deleteDatabase, getDatabase, updateDatabase } from '../../databases/databases.ts';
import { getEnvironmentRow } from '../../environments/environments.ts';
import { secretField } from '../../fields.ts';
import { listKept } from '../../restores/in-place.ts';
import { standingOf } from '../../retention/standing.ts';
import type { Services } from '../../services-port.ts';
import { wordsOf } from './asked-words.ts';
import { factsOf, shownProtection, summaryOf } from './database-summary.ts';
import { endedRunsOf, figuresOf, listOf, liveRunsOf } from './database-view.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { environmentFrame, menuCounts, rightsOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { idsIn } from './running.ts';
import { askedOf } from './selected-backups.ts';
import { tryDatabaseForPage } from './try-connections.ts';

const typedPassword = z.object({ password: secretField(4096).min(1) });

/** The page of one database: test, backups, what runs now. */
export function databasePageRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/databases/:databaseId', only('viewer'), async (c) => sendDatabase(c, services));

  ui.post('/databases/:databaseId/test', only('operator'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    const test = await tryDatabaseForPage(services, actorOf(c, services), database, c.req.raw.signal);
    return sendDatabase(c, services, { test });
  });

  ui.post('/databases/:databaseId/test/result', only('operator'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    return sendFragment(
      c,
      <TestOutcome
        result={await tryDatabaseForPage(services, actorOf(c, services), database, c.req.raw.signal)}
      />,
    );
  });

  ui.post('/databases/:databaseId/backups', only('operator'), async (c) => {
    const databaseId = c.req.param('databaseId');
    const requested = await startBackup(services, actorOf(c, services), databaseId);
    return goTo(c, services, `/databases/${databaseId}`, wordsOf(requested));
  });

  ui.post('/databases/:databaseId/password', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    return submit(c, services, {
      parse: (body) => typedPassword.safeParse(body),
      refuse: (form) => sendDatabase(c, services, { refused: withoutValues(form) }),
      async act(input, { target }) {
        await requireSeenTarget(services.db, id, target);
        await updateDatabase(services, actorOf(c, services), id, input);
        return { to: `/databases/${id}`, say: 'password-saved' };
      },
    });
  });

  ui.post('/databases/:databaseId/confirm-target', only('admin'), async (c) => {
    const id = c.req.param('databaseId');
    return submit(c, services, {
      parse: (body) => ({ success: true, data: body['target'] }),
      refuse: (form) => sendDatabase(c, services, { refused: withoutValues(form) }),
      async act(target) {
        await confirmTarget(services, actorOf(c, services), id, target === undefined ? {} : { target });
        return { to: `/databases/${id}`, say: 'target-confirmed' };
      },
    });
  });

  ui.get('/databases/:databaseId/backups', only('viewer'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    const environment = await getEnvironmentRow(services.db, database.environmentId);
    const counts = await countBackups(services.db, database.id);
    return sendFragment(c, <BackupList {...(await listOf(c, services, database, environment, counts))} />);
  });

  ui.get('/databases/:databaseId/figures', only('viewer'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    const counts = await countBackups(services.db, database.id);
    return sendFragment(
      c,
      <Figures figures={await figuresOf(services, database, counts, { mayChange: mayChange(c) })} />,
    );
  });

  ui.get('/databases/:databaseId/protection', only('viewer'), async (c) => {
    const database = await getDatabase(services.db, c.req.param('databaseId'));
    const protection = await shownProtection(services, database);
    return sendFragment(
      c,
      <>
        <ProtectionBanner
          databaseId={database.id}
          protection={protection}
          user={rightsOf(c.get('session').user.role)}
        />
        {c.req.header('hx-request') === 'true' && (
          <>
            <HeadAnew protection={protection} mayChange={mayChange(c)} />
            <MenuCounts {...(await menuCounts(c, services))} />
          </>
        )}
      </>,
    );
  });

  ui.get('/databases/:databaseId/runs', only('viewer'), async (c) => {
    const { id, name } = await getDatabase(services.db, c.req.param('databaseId'));
    const runs = await liveRunsOf(services, id);
    const shown = idsIn(c.req.query('shown'));
    // The page says which runs it shows: when that is no longer so, its list of backups is out of date too.
    const hasChanged = runs.map((run) => run.id).join(',') !== shown.join(',');
    if (hasChanged) c.header('HX-Trigger', 'backups-changed');
    const ended = await endedRunsOf(services, id, [...idsIn(c.req.query('ended')), ...shown]);
    return sendFragment(
      c,
      <>
        <LiveRuns databaseId={id} databaseName={name} runs={runs} ended={ended} mayChange={mayChange(c)} />
        {/* What has ended is told in the place of what was asked for. */}
        {hasChanged && ended.length > 0 && <div id="flash" hx-swap-oob="delete" />}
      </>,
    );
  });

  ui.get('/databases/:databaseId/settings', only('viewer'), async (c) =>
    sendSettings(c, services, { asks: c.req.query('delete') !== undefined }),
  );

  ui.post('/databases/:databaseId/delete', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    return submit(c, services, {
      parse: (body) => deletion.safeParse(body),
      refuse: (form) => sendSettings(c, services, { asks: true, message: messageOf(form) }),
      async act({ files, name }) {
        const actor = actorOf(c, services);
        if (files === undefined) await deleteDatabase(services, actor, id);
        else await removeDatabase(services, actor, id, { files, typedName: name });
        return { to: '/databases', say: 'database-deleted' };
      },
    });
  });

  return ui;
}

/** Without `files` it is one that has no backups. */
const deletion = z.object({
  files: z.enum(['delete', 'keep']).optional(),
  name: z.string().max(1000).default(''),
});

function messageOf({ message, errors }: FormState): string {
  return message ?? Object.values(errors)[0] ?? 'Choose what becomes of its backups.';
}

/** The page of one database; with a refused form it says so and answers 422. */
async function sendDatabase(
  c: Context<UiEnv, '/databases/:databaseId'>,
  services: Services,
  shown: { readonly test?: TestResult; readonly refused?: FormState } = {},
) {
  const database = await getDatabase(services.db, c.req.param('databaseId'));
  const asked = mayChange(c) ? await askedOf(c, services, database) : null;
  if (asked !== null && 'nothingAt' in asked) return goTo(c, services, asked.nothingAt, 'nothing-selected');
  const { frame, environment } = await environmentFrame(c, services, database.environmentId);
  // Before the list: what ends in between is then noticed by the next look at the runs.
  const runs = await liveRunsOf(services, database.id);
  const counts = await countBackups(services.db, database.id);
  const [known] = await knownDatabases(services, [database]);
  const standing = await standingOf(services.db, database.id);
  const summary = await summaryOf(services, database, environment, {
    standing,
    protection: known?.protection,
  });
  const { schedule } = summary;
  return sendPage(
    c,
    <DatabasePage
      frame={frame}
      database={summary}
      figures={
        await figuresOf(services, database, counts, {
          mayChange: mayChange(c),
          schedule,
          known,
        })
      }
      runs={runs}
      ended={[]}
      list={await listOf(c, services, database, environment, counts, standing)}
      question={asked}
      test={shown.test ?? null}
      held={database.passwordHeld}
      passwordForm={shown.refused ?? freshForm()}
      kept={await keptOf(services, database.id)}
    />,
    shown.refused === undefined ? 200 : 422,
  );
}

async function sendSettings(
  c: Context<UiEnv, '/databases/:databaseId/settings'>,
  services: Services,
  { asks, message = null }: { readonly asks: boolean; readonly message?: string | null },
) {
  const database = await getDatabase(services.db, c.req.param('databaseId'));
  const { frame, environment } = await environmentFrame(c, services, database.environmentId);
  const summary = await summaryOf(services, database, environment);
  const isAsked = asks && mayChange(c);
  const depends = isAsked ? await whatDependsOn(services.db, database.id) : null;
  const kept = isAsked ? await keptOf(services, database.id) : [];
  return sendPage(
    c,
    <DatabaseSettingsPage
      frame={frame}
      database={summary}
      facts={factsOf(database, summary)}
      test={null}
      question={depends === null ? null : questionOfDatabase(database, depends, kept, message)}
    />,
    message === null ? 200 : 422,
  );
}

/** What restores in place have replaced and nobody has dropped. */
async function keptOf({ db }: Services, databaseId: string) {
  return (await listKept(db, databaseId)).map(({ id, kept_name: name }) => ({ id, name: name ?? '' }));
}

/** What was typed of a password, and for which target, is asked for anew. */
const withoutValues = (form: FormState): FormState => ({ ...form, values: {} });

function mayChange(c: Context<UiEnv>): boolean {
  return hasRole(c.get('session').user.role, 'operator');
}
