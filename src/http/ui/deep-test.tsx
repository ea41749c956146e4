import { type Context, Hono } from 'hono';
import {
  type BucketCapabilities,
  CapabilityCard,
  type CapabilityCardProps,
} from '../../../views/capability-card.tsx';
import { StorageFitness } from '../../../views/storage-fitness.tsx';
import { isAppError } from '../../errors.ts';
import { CHECK_NAMES, isSound, type TestedBucket } from '../../object-stores/deep-test/result.ts';
import type { Services } from '../../services-port.ts';
import { askDeepTest, runningDeepTest } from '../../storage/deep-test.ts';
import { type DeepTestCause, isOfSettings, lastDeepTest } from '../../storage/deep-test-results.ts';
import { storageRow } from '../../storage/storage.ts';
import { actorOf } from './kit/actor.ts';
import { only } from './kit/roles.ts';
import { sendFragment } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

/** The deep test on Admin > Storage: a button, its progress and the card of what it found. */
export function deepTestRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.post('/admin/storage/deep-test', only('admin'), async (c) => {
    actorOf(c, services);
    await start(services);
    return c.redirect('/admin/storage#capabilities', 303);
  });

  ui.post('/admin/storage/deep-test/card', only('admin'), async (c) => {
    actorOf(c, services);
    await start(services);
    return sendCard(c, services);
  });

  ui.get('/admin/storage/deep-test/card', only('admin'), (c) => sendCard(c, services));

  // As these were called before: a page that was open while the app was updated goes on by itself.
  for (const path of ['', '/card']) {
    ui.post(`/admin/storage/probe${path}`, only('admin'), (c) => {
      actorOf(c, services);
      return c.redirect(`/admin/storage/deep-test${path}`, 308);
    });
  }
  ui.get('/admin/storage/probe/card', only('admin'), (c) => c.redirect('/admin/storage/deep-test/card', 308));

  return ui;
}

/** With what the page's top says of it, which would go on telling the test before. */
async function sendCard(c: Context<UiEnv>, services: Services): Promise<Response> {
  const card = await capabilityCard(services);
  return sendFragment(
    c,
    <>
      <CapabilityCard {...card} />
      <StorageFitness {...card} isSwapped />
    </>,
  );
}

/** The card as it is now, for the page of the storage. */
export async function capabilityCard(services: Pick<Services, 'db'>): Promise<CapabilityCardProps> {
  const last = await lastDeepTest(services.db);
  const running = await runningDeepTest(services.db);
  const config = await storageRow(services.db);
  if (last === null) return { running, result: null };
  return {
    running,
    result: {
      finishedAt: last.finishedAt,
      isOfFormerSettings: config !== undefined && !isOfSettings(last, config),
      cause: CAUSES[last.cause],
      provider: last.provider,
      host: last.endpoint.replace(/^https?:\/\//, ''),
      problems: last.problems,
      lost: last.lost,
      buckets: last.buckets.map(toCapabilities),
    },
  };
}

const CAUSES: Readonly<Record<DeepTestCause, string>> = {
  asked: 'asked for',
  credentials: 'after a change of the settings',
  weekly: 'as every week',
};

/** The page doesn't wait: it shows how far the test is. One that runs already is shown as well. */
async function start(services: Services): Promise<void> {
  try {
    await askDeepTest(services, 'asked');
  } catch (error) {
    if (!isAppError(error, 'conflict', 'invalid')) throw error;
  }
}

function toCapabilities(bucket: TestedBucket): BucketCapabilities {
  const { objectLock, clockOffsetMs } = bucket;
  return {
    ...bucket,
    isSound: isSound(bucket),
    objectLock:
      objectLock === null ? null : [objectLock.mode, objectLock.retention].filter(Boolean).join(', '),
    clockOffsetSeconds: clockOffsetMs === null ? null : Math.round(clockOffsetMs / 1000),
    checks: bucket.checks.map((check) => ({ ...check, name: CHECK_NAMES[check.id] })),
    left: bucket.left.map(({ kind, key, versionId, until, reason }) => ({
      what: versionId === null ? `${kind} ${key}` : `${kind} ${key}, version ${versionId}`,
      until,
      reason,
    })),
  };
}
