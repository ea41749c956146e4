import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { RestorePage } from '../../../views/restore/restore-page.tsx';
import type { RestorePageProps } from '../../../views/restore/restore-props.ts';
import { RestoreSummary } from '../../../views/restore/restore-summary.tsx';
import { readContents } from '../../backups/contents.ts';
import { AppError } from '../../errors.ts';
import { hostOrSocket } from '../../fields.ts';
import { askRestore, restorable } from '../../restores/ask-restore.ts';
import { jobCount } from '../../restores/load-options.ts';
import { lookAtTarget } from '../../restores/look-at-target.ts';
import { tablesNamed } from '../../restores/only-tables.ts';
import { loginFields } from '../../restores/typed-login.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { type FormBody, numberOf, textOf } from './kit/form-body.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import { nothingToParse, type Parsed, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { explainRestore, loginIn, lostChoice, RESTORE_SECRETS, toRestore } from './restore-form.ts';
import { restoreProps } from './restore-props.ts';

/** Restoring a backup: where to, and what that finds there. */
export function restoreRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/backups/:backupId/restore', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const other = c.req.query('backup');
    if (other !== undefined && other !== backupId) {
      return c.redirect(`/backups/${encodeURIComponent(other)}/restore`, 303);
    }
    await restorable(services.db, backupId);
    const known = await restoreProps(c, services, backupId);
    return sendPage(
      c,
      <RestorePage {...known} form={freshForm({ where: 'beside', ...known.proposed })} checks={null} />,
    );
  });

  ui.get('/backups/:backupId/restore/summary', only('operator'), async (c) => {
    const known = await restoreProps(c, services, c.req.param('backupId'));
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
    const props = await restoreProps(c, services, backupId);
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
        return toRestore(askRestore(services, actor, backupId, wish));
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
  const props = await restoreProps(c, services, backup.id);
  const lost = lostChoice(form.values, props);
  if (lost === null) return sendPage(c, <RestorePage {...props} form={form} checks={null} />);
  return sendPage(c, <RestorePage {...props} form={{ ...form, message: lost }} checks={null} />, 422);
}

const inputSchema = z.object({
  newName: z.string().max(1024).optional(),
  serverId: z.string().max(64).nullable(),
  host: hostOrSocket.nullable().optional(),
  port: z.number({ error: 'Enter a number.' }).int().min(1).max(65_535).nullable().optional(),
  ...loginFields,
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
