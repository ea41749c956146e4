import * as z from 'zod';
import { type ChangedSettings, changeSettingsAskingFirst } from '../../retention/change-defaults.ts';
import type { Services } from '../../services-port.ts';
import { showSettings } from '../../settings/change-settings.ts';
import { SETTING_DEFAULTS, settingFields, settingsChange } from '../../settings/settings.ts';
import { answerBy, route } from '../route.ts';
import { id, instant } from './shapes.ts';

const values = z.object({
  ...settingFields,
  publicUrl: z.string().nullable(),
  agentCallbackUrl: z.string().nullable(),
});
const settings = values.extend({ id, updatedAt: instant.nullable() });

const confirm = z.boolean().optional();

/** Nothing was changed yet: sent again with `confirm`, it is. */
const asked = z.object({
  confirmationRequired: z.literal(true),
  preview: z.object({
    prune: z.array(
      z.object({ id, databaseId: id, filename: z.string(), createdAt: instant, size: z.number() }),
    ),
    ...{ total: z.number(), databases: z.number(), bytesFreed: z.number() },
  }),
});

/** As the question of a database's own policy; `total` counts also what is not named. */
function question({ prune, ...counts }: Extract<ChangedSettings, { kind: 'confirm' }>) {
  const { total, databases, bytesFreed } = counts;
  const named = prune.map(({ id, databaseId, filename, createdAt, size }) => ({
    ...{ id, databaseId, filename, createdAt, size },
  }));
  return { confirmationRequired: true as const, preview: { prune: named, total, databases, bytesFreed } };
}

export function systemSettingsRoutes(services: Services) {
  const change = <const Changing extends 'PUT' | 'PATCH'>(method: Changing) =>
    route({
      method,
      path: '/api/settings/system',
      access: 'admin',
      summary:
        'Change one or more settings of the installation; 409 with what would go where its policy would prune much',
      body: settingsChange.extend({ confirm }),
      example: { timezone: 'UTC' },
      answer: z.object({ settings }),
      refusals: [409],
      otherAnswers: { 409: asked },
      handle: async ({ c, actor, body: { confirm, ...change } }) => {
        const isConfirmed = confirm === true;
        const changed = await changeSettingsAskingFirst(services, actor, change, { isConfirmed });
        return changed.kind === 'saved'
          ? { settings: changed.settings }
          : answerBy<typeof asked>(c, 409, question(changed));
      },
    });
  return [
    route({
      method: 'GET',
      path: '/api/settings/system',
      access: 'viewer',
      summary: 'The settings of the installation, and what they are by default',
      answer: z.object({ settings, defaults: values }),
      handle: async () => ({ settings: await showSettings(services.db), defaults: SETTING_DEFAULTS }),
    }),
    change('PUT'),
    change('PATCH'),
    route({
      method: 'POST',
      path: '/api/settings/system/reset',
      access: 'admin',
      summary: 'Put every setting of the installation back to its default',
      body: z.object({ confirm }),
      example: {},
      answer: z.object({ settings, message: z.string() }),
      refusals: [409],
      otherAnswers: { 409: asked },
      handle: async ({ c, actor, body }) => {
        const isConfirmed = body.confirm === true;
        const changed = await changeSettingsAskingFirst(services, actor, null, { isConfirmed });
        return changed.kind === 'saved'
          ? { settings: changed.settings, message: 'Settings reset to defaults' }
          : answerBy<typeof asked>(c, 409, question(changed));
      },
    }),
  ] as const;
}
