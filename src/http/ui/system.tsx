import { type Context, Hono } from 'hono';
import type { Question } from '../../../views/parts/dialog.tsx';
import type { FormState } from '../../../views/parts/form-state.ts';
import { questionOfSettings, SystemPage } from '../../../views/system/system.tsx';
import { manifestPublicKey } from '../../backups/manifest.ts';
import { isPostgres } from '../../db/kind.ts';
import { readOidc } from '../../oidc/settings.ts';
import { type ChangedSettings, changeSettingsAskingFirst } from '../../retention/change-defaults.ts';
import type { Services } from '../../services-port.ts';
import { readSettings, settingsChange } from '../../settings/settings.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, isTicked, numberOf, readForm, textOf } from './kit/form-body.ts';
import { refusedForm } from './kit/form-failure.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const SECOND_MS = 1000;

/** Numbers of the form that are settings as they are. */
const NUMBERS = [
  ...(['maxConcurrentBackups', 'maxConcurrentBackupsPerServer', 'activeUserWindowMin'] as const),
  ...(['backupRetentionKeepLast', 'backupRetentionDaily', 'backupRetentionWeekly'] as const),
  ...(['backupRetentionMonthly', 'backupRetentionYearly', 'backupRetentionMinFloor'] as const),
  ...(['backupRetentionMaxTotalBytes', 'failedBackupRetentionDays', 'fullReadEveryDays'] as const),
  'backupRotationConfirmThreshold',
] as const;

/** Admin > System: the settings of the installation. */
export function systemRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/admin/system', only('admin'), async (c) => sendSystem(c, services));

  ui.post('/admin/system', only('admin'), async (c) =>
    submit(c, services, {
      parse: (body) => settingsChange.safeParse(inputOf(body)),
      stored: () => valuesOf(services),
      refuse: (form) => sendSystem(c, services, withSeconds(form)),
      act: async (input, body) => {
        const isConfirmed = isTicked(body, 'confirm');
        const actor = actorOf(c, services);
        const changed = await changeSettingsAskingFirst(services, actor, input, { isConfirmed });
        if (changed.kind === 'confirm') throw new AsksFirst(changed, body);
        return { to: '/admin/system', say: 'settings-saved' };
      },
    }).catch((error: unknown) => askFirst(c, services, error, { action: '/admin/system' })),
  );

  ui.post('/admin/system/reset', only('admin'), async (c) => {
    const body = await readForm(c);
    const isConfirmed = isTicked(body, 'confirm');
    const changed = await changeSettingsAskingFirst(services, actorOf(c, services), null, { isConfirmed });
    if (changed.kind === 'confirm') {
      return askFirst(c, services, new AsksFirst(changed, {}), { action: '/admin/system/reset' });
    }
    return goTo(c, services, '/admin/system', 'settings-reset');
  });

  return ui;
}

type ToConfirm = Extract<ChangedSettings, { readonly kind: 'confirm' }>;

/** Nothing was saved yet: it is no failure, and no other page. */
class AsksFirst extends Error {
  readonly changed: ToConfirm;
  readonly body: FormBody;
  constructor(changed: ToConfirm, body: FormBody) {
    super('A person is asked first.');
    this.changed = changed;
    this.body = body;
  }
}

function askFirst(c: Context<UiEnv>, services: Services, error: unknown, { action }: { action: string }) {
  if (!(error instanceof AsksFirst)) throw error;
  const { changed, body } = error;
  const question = questionOfSettings(action, changed, body);
  const form = Object.keys(body).length === 0 ? undefined : { ...refusedForm(body, []), message: null };
  return sendSystem(c, services, form, question);
}

function inputOf(body: FormBody) {
  const seconds = numberOf(body, 'sshReadySeconds');
  return {
    timezone: textOf(body, 'timezone') ?? '',
    publicUrl: textOf(body, 'publicUrl'),
    privateHosts: textOf(body, 'privateHosts') ?? '',
    backupRetentionPreset: textOf(body, 'backupRetentionPreset') ?? '',
    secondFactorRequired: isTicked(body, 'secondFactorRequired'),
    sshReadyTimeoutMs: seconds === null ? null : seconds * SECOND_MS,
    ...Object.fromEntries(NUMBERS.map((name) => [name, numberOf(body, name)])),
  };
}

/** The form has seconds where the setting has milliseconds. */
function withSeconds(form: FormState): FormState {
  const { sshReadyTimeoutMs, ...errors } = form.errors;
  if (sshReadyTimeoutMs === undefined) return form;
  return { ...form, errors: { ...errors, sshReadySeconds: 'Enter 1 to 120 seconds.' } };
}

/** The settings as the form shows them. */
async function valuesOf({ db }: Services) {
  const settings = await readSettings(db);
  return {
    ...Object.fromEntries(NUMBERS.map((name) => [name, String(settings[name] ?? '')])),
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
  services: Services,
  refused?: FormState,
  question: Question | null = null,
): Promise<Response> {
  const { config, version } = services;
  const facts = [
    ['Version', version],
    ['State', isPostgres(services.db) ? 'PostgreSQL' : 'SQLite'],
    ['Scheduler', config.schedulerEnabled ? `looks every ${config.schedulerCheckMs / SECOND_MS} s` : 'off'],
    ['Memory for parts', `${config.partMemoryMib} MiB`],
    ['Key that manifests are signed with (Ed25519)', await manifestPublicKey(services)],
  ] as const;
  return sendPage(
    c,
    <SystemPage
      frame={await frameOf(c, services)}
      form={refused ?? editForm(await valuesOf(services))}
      facts={facts}
      signOn={(await readOidc(services.db))?.name ?? null}
      question={question}
    />,
    question !== null ? 409 : refused === undefined ? 200 : 422,
  );
}
