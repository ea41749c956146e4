import * as z from 'zod';
import {
  changeSettings,
  definitionsOf,
  getSettings,
  resetSettings,
  SETTINGS_REGISTRY,
} from '../../environments/environment-settings.ts';
import { getEnvironmentRow } from '../../environments/environments.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';

const settings = z.record(z.string(), z.union([z.boolean(), z.number(), z.string()]));
const definition = z.object({
  key: z.string(),
  type: z.string(),
  default: z.union([z.boolean(), z.number(), z.string()]),
  label: z.string(),
  description: z.string(),
  group: z.string(),
  widget: z.string(),
  min: z.number().optional(),
  max: z.number().optional(),
});

export function environmentSettingsRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/environments/:id/settings/registry',
      access: 'admin',
      summary: 'Every setting that an environment has',
      answer: z.object({ registry: z.record(z.string(), z.array(definition)) }),
      refusals: [404],
      handle: async ({ params }) => {
        await getEnvironmentRow(services.db, params.id);
        return { registry: SETTINGS_REGISTRY };
      },
    }),
    route({
      method: 'GET',
      path: '/api/environments/:id/settings/:module',
      access: 'admin',
      summary: 'The settings of a module',
      answer: z.object({ settings, definitions: z.array(definition) }),
      refusals: [404],
      handle: async ({ params }) => ({
        settings: await getSettings(services.db, params.id, params.module),
        definitions: definitionsOf(params.module),
      }),
    }),
    route({
      method: 'PATCH',
      path: '/api/environments/:id/settings/:module',
      access: 'admin',
      summary: 'Change settings of a module',
      body: z.record(z.string(), z.unknown()),
      example: { allowBackupDownload: true },
      answer: z.object({ settings }),
      refusals: [404],
      handle: async ({ params, actor, body }) => ({
        settings: await changeSettings(services, actor, params.id, params.module, body),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/environments/:id/settings/:module/reset',
      access: 'admin',
      summary: 'Put the settings of a module back to their defaults',
      answer: z.object({ settings }),
      refusals: [404],
      handle: async ({ params, actor }) => ({
        settings: await resetSettings(services, actor, params.id, params.module),
      }),
    }),
  ] as const;
}
