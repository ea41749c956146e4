import * as z from 'zod';
import type { Services } from '../../services-port.ts';
import { changeSettings, resetSettings, showSettings } from '../../settings/change-settings.ts';
import { SETTING_DEFAULTS, settingFields, settingsChange } from '../../settings/settings.ts';
import { type ApiRoute, type Method, route } from '../route.ts';
import { id, instant } from './shapes.ts';

const values = z.object({
  ...settingFields,
  publicUrl: z.string().nullable(),
  agentCallbackUrl: z.string().nullable(),
});
const settings = values.extend({ id, updatedAt: instant.nullable() });

export function systemSettingsRoutes(services: Services): readonly ApiRoute[] {
  const change = (method: Extract<Method, 'PUT' | 'PATCH'>) =>
    route({
      method,
      path: '/api/settings/system',
      access: 'admin',
      summary: 'Change one or more settings of the installation',
      body: settingsChange,
      answer: z.object({ settings }),
      handle: async ({ actor, body }) => ({ settings: await changeSettings(services, actor, body) }),
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
      answer: z.object({ settings, message: z.string() }),
      handle: async ({ actor }) => ({
        settings: await resetSettings(services, actor),
        message: 'Settings reset to defaults',
      }),
    }),
  ];
}
