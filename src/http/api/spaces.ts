import type { Context } from 'hono';
import * as z from 'zod';
import { refuseBelow } from '../../auth/roles.ts';
import { getEnvironmentRow } from '../../environments/environments.ts';
import { AppError } from '../../errors.ts';
import { isSound, testedStorage } from '../../object-stores/deep-test/result.ts';
import type { Services } from '../../services-port.ts';
import { listBucketStates } from '../../storage/buckets.ts';
import { askDeepTest, deepTestResult, runningDeepTest } from '../../storage/deep-test.ts';
import { lastDeepTest, type StoredDeepTest } from '../../storage/deep-test-results.ts';
import { isStorageEnabled, listStorageAccess, setStorageEnabled } from '../../storage/enabled.ts';
import { listStorageBuckets } from '../../storage/list-buckets.ts';
import { saveStorage } from '../../storage/save-storage.ts';
import { deleteStorage, getStorage, type StorageConfig, storageInput } from '../../storage/storage.ts';
import type { StorageTest } from '../../storage/tried.ts';
import { tryStorage } from '../../storage/try-storage.ts';
import { type ApiEnv, answerBy, route } from '../route.ts';
import { id, instant, SUCCESS, success } from './shapes.ts';

const config = z.object({ id, accessKey: z.string(), region: z.string(), endpoint: z.string() });
const wholeConfig = config.extend({
  buckets: z.array(z.string()),
  encryption: z.enum(['none', 'AES256', 'aws:kms']),
  encryptionKeyId: z.string().nullable(),
  hasSessionToken: z.boolean(),
  createdAt: instant,
  updatedAt: instant,
  enabledEnvironments: z.array(z.object({ id, enabled: z.boolean(), spacesConfigId: id, environmentId: id })),
});
const test = z.object({
  success: z.boolean(),
  message: z.string(),
  buckets: z.array(z.string()),
  scopedKey: z.boolean(),
  failedBuckets: z.array(z.string()).optional(),
  failures: z.array(z.object({ bucket: z.string(), message: z.string() })).optional(),
  details: z
    .array(z.object({ bucket: z.string(), by: z.string(), prefix: z.string().nullable() }))
    .optional(),
  diagnosis: z
    .array(
      z.object({
        kind: z.string(),
        bucket: z.string().nullable(),
        message: z.string(),
        requestId: z.string().nullable(),
      }),
    )
    .optional(),
});
const deepTest = testedStorage.extend({
  id,
  cause: z.enum(['asked', 'credentials', 'weekly']),
  startedAt: instant,
  finishedAt: instant,
});
const failedTest = test.extend({
  code: z.literal('VALIDATION_ERROR'),
  requestId: z.string(),
  probe: deepTest.optional(),
});
const running = z.object({
  startedAt: instant,
  bucket: z.string().nullable(),
  step: z.string(),
  done: z.number(),
  steps: z.number(),
});
const source = z.enum(['configured', 'discovered']);
const states = z.array(
  z.object({
    name: z.string(),
    source,
    state: z.enum(['reachable', 'denied', 'missing', 'wrong region']),
    message: z.string().nullable(),
  }),
);
const bucketList = z.object({
  buckets: z.array(z.string()),
  source,
  states: states.optional(),
  unchecked: z.number().optional(),
});
/** A switch in the query. Another text is refused: whoever asks for a check must not go without it unseen. */
const flag = z.enum(['true', 'false'], { error: 'Must be true or false' }).optional();

export function spacesRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/settings/spaces',
      access: 'viewer',
      summary: 'The storage of this installation',
      answer: z.object({ configured: z.boolean(), config: wholeConfig.nullable() }),
      handle: async () => {
        const found = await getStorage(services);
        return { configured: found !== null, config: found === null ? null : wireConfig(found) };
      },
    }),
    route({
      method: 'PUT',
      path: '/api/settings/spaces',
      access: 'admin',
      summary: 'Configure the storage',
      query: z.object({ validate: flag }),
      body: storageInput,
      example: { accessKey: 'ACCESS_KEY', secretKey: 'SECRET_KEY', region: 'fra1', buckets: ['backups'] },
      answer: z.object({ config }),
      handle: async ({ c, actor, body, query, signal }) => {
        const wish = { by: 'api', validate: query.validate === 'true' } as const;
        const saved = await saveStorage(services, actor, body, wish, signal);
        return saved.kind === 'saved' ? { config: saved.config } : refusedTest(c, saved.test);
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/settings/spaces',
      access: 'admin',
      summary: 'Forget the storage; what is stored there stays',
      answer: success,
      refusals: [404],
      handle: async ({ actor }) => {
        await deleteStorage(services, actor);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: '/api/settings/spaces/test',
      access: 'viewer',
      summary: 'Test the connection to the storage; deep (admins only) also what its buckets can do',
      body: z.object({ deep: z.boolean().default(false) }),
      answer: test.extend({ probe: deepTest.optional() }),
      otherAnswers: { 202: test },
      refusals: [409],
      handle: async ({ c, body, session, signal }) => {
        if (!body.deep) return answerTest(services, c, signal);
        refuseBelow(session.user.role, 'admin');
        return answerDeepTest(services, c, signal);
      },
    }),
    route({
      method: 'GET',
      path: '/api/settings/spaces/probe',
      access: 'viewer',
      summary: 'What the last deep test found, and how far the running one is',
      answer: z.object({ running: running.nullable(), probe: deepTest.nullable() }),
      handle: async () => ({
        running: await runningDeepTest(services.db),
        probe: await lastDeepTest(services.db),
      }),
    }),
    route({
      method: 'GET',
      path: '/api/settings/spaces/buckets',
      access: 'viewer',
      summary: 'The buckets that backups can go to and, when asked, what the key reaches of each',
      query: z.object({ states: flag, refresh: flag }),
      answer: bucketList,
      handle: async ({ query, signal }) => {
        if (query.states !== 'true') return listStorageBuckets(services, signal);
        const { states, unchecked } = await listBucketStates(services, {
          refresh: query.refresh === 'true',
          signal,
        });
        const configured = states.filter((bucket) => bucket.source === 'configured');
        const named = configured.length > 0 ? configured : states;
        const source = configured.length > 0 ? 'configured' : 'discovered';
        return { buckets: named.map(({ name }) => name), source, states, unchecked };
      },
    }),
    route({
      method: 'GET',
      path: '/api/settings/spaces/environments',
      access: 'viewer',
      summary: 'Which environments may use the storage',
      answer: z.object({
        environments: z.array(z.object({ id, name: z.string(), spacesEnabled: z.boolean() })),
      }),
      handle: async () => {
        const all = await listStorageAccess(services.db);
        return { environments: all.map(({ isEnabled, ...each }) => ({ ...each, spacesEnabled: isEnabled })) };
      },
    }),
    route({
      method: 'PUT',
      path: '/api/settings/spaces/environments/:environmentId',
      access: 'admin',
      summary: 'Let an environment use the storage, or not',
      body: z.object({ enabled: z.boolean() }),
      answer: success.extend({ enabled: z.boolean() }),
      refusals: [404],
      handle: async ({ params, actor, body }) => {
        await setStorageEnabled(services, actor, params.environmentId, body.enabled);
        return { ...SUCCESS, enabled: body.enabled };
      },
    }),
    route({
      method: 'GET',
      path: '/api/environments/:id/spaces/buckets',
      access: 'viewer',
      summary: 'The buckets that this environment can use',
      answer: bucketList,
      refusals: [404],
      handle: async ({ params, signal }) => {
        await requireEnabled(services, params.id);
        return listStorageBuckets(services, signal);
      },
    }),
    route({
      method: 'POST',
      path: '/api/environments/:id/spaces/test',
      access: 'operator',
      summary: 'Test the connection to the storage for this environment',
      answer: test,
      refusals: [404],
      handle: async ({ c, params, signal }) => {
        await requireEnabled(services, params.id);
        return answerTest(services, c, signal);
      },
    }),
  ] as const;
}

function wireConfig({ enabledEnvironments, ...shown }: StorageConfig): z.input<typeof wholeConfig> {
  return {
    ...shown,
    buckets: [...shown.buckets],
    enabledEnvironments: enabledEnvironments.map((entry) => ({ ...entry, spacesConfigId: shown.id })),
  };
}

async function answerTest(services: Services, c: Context<ApiEnv>, signal: AbortSignal) {
  const result = await tryStorage(services, signal);
  return result.success ? result : refusedTest(c, result);
}

/** A failed test is 400 in the envelope, with the result's own fields beside it. */
function refusedTest(c: Context<ApiEnv>, test: StorageTest & { readonly probe?: StoredDeepTest }): Response {
  const requestId = c.get('requestId');
  return answerBy<typeof failedTest>(c, 400, { code: 'VALIDATION_ERROR', requestId, ...test });
}

/** Waits for the deep test as long as a request may take; it goes on without, and 202 says where its result will be. */
async function answerDeepTest(services: Services, c: Context<ApiEnv>, signal: AbortSignal) {
  const found = await deepTestResult(services.db, await askDeepTest(services, 'asked'), signal);
  if (found === null) {
    const message =
      'The deep test is running. GET /api/settings/spaces/probe tells how far it is and what it found.';
    return answerBy<typeof test>(c, 202, { success: false, message, buckets: [], scopedKey: false });
  }
  const result = { ...summaryOf(found), probe: found };
  return result.success ? result : refusedTest(c, result);
}

function summaryOf(test: StoredDeepTest) {
  const sound = test.buckets.filter(isSound).map(({ bucket }) => bucket);
  const total = test.buckets.length;
  return {
    success: total > 0 && sound.length === total,
    message: test.problems[0] ?? `Deep test: ${sound.length}/${total} buckets do all that backups need.`,
    buckets: sound,
    scopedKey: test.source !== 'discovered',
  };
}

async function requireEnabled(services: Services, environmentId: string): Promise<void> {
  await getEnvironmentRow(services.db, environmentId);
  if (await isStorageEnabled(services.db, environmentId)) return;
  throw new AppError('invalid', 'Spaces is not configured for this environment');
}
