import { type Context, Hono } from 'hono';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { SystemPage } from '../../../views/system/system.tsx';
import { isPostgres } from '../../db/kind.ts';
import type { Services } from '../../services-port.ts';
import { changeSettings, resetSettings } from '../../settings/change-settings.ts';
import { readSettings, settingsChange } from '../../settings/settings.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, numberOf, textOf } from './kit/form-body.ts';
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
      refuse: (form) => sendSystem(c, services, withSeconds(form)),
      act: async (input) => {
        await changeSettings(services, actorOf(c, services), input);
        return { to: '/admin/system', say: 'settings-saved' };
      },
    }),
  );

  ui.post('/admin/system/reset', only('admin'), async (c) => {
    await resetSettings(services, actorOf(c, services));
    return goTo(c, services, '/admin/system', 'settings-reset');
  });

  return ui;
}

function inputOf(body: FormBody) {
  const seconds = numberOf(body, 'sshReadySeconds');
  return {
    timezone: textOf(body, 'timezone') ?? '',
    publicUrl: textOf(body, 'publicUrl'),
    privateHosts: textOf(body, 'privateHosts') ?? '',
    backupRetentionPreset: textOf(body, 'backupRetentionPreset') ?? '',
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

async function sendSystem(c: Context<UiEnv>, services: Services, refused?: FormState): Promise<Response> {
  const { config, version } = services;
  const settings = await readSettings(services.db);
  const values = {
    ...Object.fromEntries(NUMBERS.map((name) => [name, String(settings[name] ?? '')])),
    timezone: settings.timezone,
    publicUrl: settings.publicUrl ?? '',
    privateHosts: settings.privateHosts,
    backupRetentionPreset: settings.backupRetentionPreset,
    sshReadySeconds: String(settings.sshReadyTimeoutMs / SECOND_MS),
  };
  const facts = [
    ['Version', version],
    ['State', isPostgres(services.db) ? 'PostgreSQL' : 'SQLite'],
    ['Scheduler', config.schedulerEnabled ? `looks every ${config.schedulerCheckMs / SECOND_MS} s` : 'off'],
    ['Memory for parts', `${config.partMemoryMib} MiB`],
  ] as const;
  return sendPage(
    c,
    <SystemPage frame={await frameOf(c, services)} form={refused ?? freshForm(values)} facts={facts} />,
    refused === undefined ? 200 : 422,
  );
}
