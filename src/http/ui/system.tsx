import { type Context, Hono } from 'hono';
import type { Question } from '../../../views/parts/dialog.tsx';
import type { FormState } from '../../../views/parts/form-state.ts';
import { questionOfSettings, SystemPage } from '../../../views/system/system.tsx';
import type { WouldGoProps } from '../../../views/system/would-go.tsx';
import { manifestPublicKey } from '../../backups/manifest.ts';
import { isPostgres } from '../../db/kind.ts';
import type { InputIssue } from '../../errors.ts';
import { masterKeyCopy } from '../../installation/master-key-copy.ts';
import { countLeftBehind } from '../../leftovers/leftovers.ts';
import { readOidc } from '../../oidc/settings.ts';
import {
  changeSettingsAskingFirst,
  type PrunedByDefaults,
  prunedBy,
} from '../../retention/change-defaults.ts';
import type { Services } from '../../services-port.ts';
import { readSettings, settingsChange } from '../../settings/settings.ts';
import type { Readiness } from '../readiness.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, isTicked, numberOf, readForm, textOf } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { besideFields, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { gibIn, gibText, NO_SIZE } from './retention-form.ts';
import { watchingOf } from './watching.ts';

const SECOND_MS = 1000;

/** What the page is made of. */
type Page = Services & { readonly readiness: () => Promise<Readiness> };

/** Numbers of the form that are settings as they are. */
const NUMBERS = [
  ...(['maxConcurrentBackups', 'maxConcurrentBackupsPerServer', 'activeUserWindowMin'] as const),
  ...(['backupRetentionKeepLast', 'backupRetentionDaily', 'backupRetentionWeekly'] as const),
  ...(['backupRetentionMonthly', 'backupRetentionYearly', 'backupRetentionMinFloor'] as const),
  ...(['failedBackupRetentionDays', 'fullReadEveryDays'] as const),
  'backupRotationConfirmThreshold',
] as const;

/** Admin > System: the settings of the installation. */
export function systemRoutes(services: Services, readiness: () => Promise<Readiness>): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  const page = { ...services, readiness };

  ui.get('/admin/system', only('admin'), async (c) => sendSystem(c, page, {}));

  ui.post('/admin/system', only('admin'), async (c) =>
    submit(c, services, {
      parse: parseSettings,
      stored: () => valuesOf(services),
      refuse: (form) => sendSystem(c, page, { form, status: 422 }),
      act: async (input, body, sent) => {
        const isConfirmed = isTicked(body, 'confirm');
        const actor = actorOf(c, services);
        const changed = await changeSettingsAskingFirst(services, actor, input, { isConfirmed });
        if (changed.kind !== 'confirm') {
          const { goes } = changed;
          return goes === 0
            ? { to: '/admin/system', say: 'settings-saved' }
            : { to: '/admin/system', say: 'settings-saved-some-go', count: goes };
        }
        // Nothing was saved yet: a person is asked first.
        const question = questionOfSettings('/admin/system', goesOf(changed), body);
        return sendSystem(c, page, { form: sent, question, goes: changed, status: 409 });
      },
    }),
  );

  ui.post('/admin/system/preview', only('admin'), async (c) =>
    submit(c, services, {
      parse: parseSettings,
      refuse: (form) => sendSystem(c, page, { form, status: 422 }),
      act: async (input, _, form) => sendSystem(c, page, { form, goes: await prunedBy(services, input) }),
    }),
  );

  // Asked for again by their addresses, what forms were answered with is the page.
  for (const path of ['/admin/system/preview', '/admin/system/reset']) {
    ui.get(path, only('admin'), (c) => c.redirect('/admin/system', 303));
  }

  ui.post('/admin/system/reset', only('admin'), async (c) => {
    const isConfirmed = isTicked(await readForm(c), 'confirm');
    const changed = await changeSettingsAskingFirst(services, actorOf(c, services), null, { isConfirmed });
    if (changed.kind !== 'confirm') {
      const { goes } = changed;
      return goes === 0
        ? goTo(c, services, '/admin/system', 'settings-reset')
        : goTo(c, services, '/admin/system', 'settings-saved-some-go', goes);
    }
    const question = questionOfSettings('/admin/system/reset', goesOf(changed), {});
    return sendSystem(c, page, { question, goes: changed, status: 409 });
  });

  return ui;
}

const parseSettings = (body: FormBody) => besideFields(settingsChange.safeParse(inputOf(body)), onTheForm);

function inputOf(body: FormBody) {
  const seconds = numberOf(body, 'sshReadySeconds');
  return {
    timezone: textOf(body, 'timezone') ?? '',
    publicUrl: textOf(body, 'publicUrl'),
    privateHosts: textOf(body, 'privateHosts') ?? '',
    backupRetentionPreset: textOf(body, 'backupRetentionPreset') ?? '',
    secondFactorRequired: isTicked(body, 'secondFactorRequired'),
    sshReadyTimeoutMs: seconds === null ? null : seconds * SECOND_MS,
    backupRetentionMaxTotalBytes: gibIn(body, 'maxTotalGib'),
    ...Object.fromEntries(NUMBERS.map((name) => [name, numberOf(body, name)])),
  };
}

/** The form has seconds where a setting has milliseconds, and GiB where one has bytes. */
function onTheForm(issue: InputIssue): InputIssue {
  if (issue.path[0] === 'backupRetentionMaxTotalBytes') return NO_SIZE;
  if (issue.path[0] !== 'sshReadyTimeoutMs') return issue;
  return { path: ['sshReadySeconds'], message: 'Enter 1 to 120 seconds.' };
}

/** The settings as the form shows them. */
async function valuesOf({ db }: Services) {
  const settings = await readSettings(db);
  return {
    ...Object.fromEntries(NUMBERS.map((name) => [name, String(settings[name] ?? '')])),
    maxTotalGib: gibText(settings.backupRetentionMaxTotalBytes),
    timezone: settings.timezone,
    publicUrl: settings.publicUrl ?? '',
    privateHosts: settings.privateHosts,
    secondFactorRequired: String(settings.secondFactorRequired),
    backupRetentionPreset: settings.backupRetentionPreset,
    sshReadySeconds: String(settings.sshReadyTimeoutMs / SECOND_MS),
  };
}

async function sendSystem(
  c: Context<UiEnv>,
  services: Page,
  shown: {
    readonly form?: FormState;
    readonly question?: Question;
    /** What would go by what was typed. */
    readonly goes?: PrunedByDefaults;
    readonly status?: 200 | 409 | 422;
  },
): Promise<Response> {
  const { config, version } = services;
  const facts = [
    ['Version', version],
    ['State', isPostgres(services.db) ? 'PostgreSQL' : 'SQLite'],
    ['Scheduler', config.schedulerEnabled ? `looks every ${config.schedulerCheckMs / SECOND_MS} s` : 'off'],
    ['Memory for parts', `${config.partMemoryMib} MiB`],
    ['Master key', <a href="/admin/master-key">{keyText(await masterKeyCopy(services))}</a>],
    ['Left behind', leftBehindText(await countLeftBehind(services.db, MOST_LEFT + 1))],
    ['Key that manifests are signed with (Ed25519)', await manifestPublicKey(services)],
  ] as const;
  return sendPage(
    c,
    <SystemPage
      frame={await frameOf(c, services)}
      form={shown.form ?? editForm(await valuesOf(services))}
      facts={facts}
      watching={await watchingOf(c, services, services.readiness)}
      signOn={(await readOidc(services.db))?.name ?? null}
      question={shown.question ?? null}
      goes={shown.goes === undefined ? null : goesOf(shown.goes)}
    />,
    shown.status ?? 200,
  );
}

function keyText({ isGenerated, copiedAt }: Awaited<ReturnType<typeof masterKeyCopy>>): string {
  if (!isGenerated) return 'of MASTER_KEY or MASTER_KEY_FILE';
  return copiedAt === null ? 'not copied yet' : 'copied';
}

/** More than so many are not counted: that reads them all. */
const MOST_LEFT = 100;

function leftBehindText(count: number) {
  if (count === 0) return 'nothing';
  return <a href="/admin/storage">{count > MOST_LEFT ? `more than ${MOST_LEFT}` : count} not removed yet</a>;
}

/** Of so many databases what would go of each is told. */
const MOST_DATABASES = 20;

function goesOf(goes: PrunedByDefaults): WouldGoProps {
  const listed = goes.byDatabase.toSorted((a, b) => b.count - a.count).slice(0, MOST_DATABASES);
  return { ...goes, listed };
}
