import { type Context, Hono } from 'hono';
import { Checklist } from '../../../views/checklist.tsx';
import { HelpPage } from '../../../views/help.tsx';
import { type AttentionItem, OverviewPage } from '../../../views/overview.tsx';
import { describeSpan } from '../../../views/parts/format-time.ts';
import { MasterKeyBanner } from '../../../views/parts/master-key-banner.tsx';
import {
  countStates,
  findDatabases,
  type KnownDatabase,
  knownDatabases,
} from '../../backups/database-list.ts';
import { failuresSinceGood } from '../../backups/protection-of.ts';
import { storedOf } from '../../backups/stored-totals.ts';
import { needsMasterKeyCopy } from '../../installation/master-key-copy.ts';
import type { Services } from '../../services-port.ts';
import { checklistOf } from './checklist.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

/** More than these are a list, not news. */
const MOST_NEWS = 8;

/** The overview, which is the first page; and Help. */
export function overviewRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/', only('viewer'), async (c) => sendOverview(c, services));

  ui.get('/help', only('viewer'), async (c) => sendPage(c, <HelpPage frame={await frameOf(c, services)} />));

  return ui;
}

async function sendOverview(c: Context<UiEnv>, services: Services): Promise<Response> {
  const frame = await frameOf(c, services);
  const environmentId = frame.environment?.id ?? null;
  const known = await knownDatabases(services, environmentId);
  const showsEnvironment = environmentId === null && frame.environments.length > 1;
  const checklist = await checklistOf(c, services, frame);
  const asksForCopy = frame.user.role === 'admin' && (await needsMasterKeyCopy(services));
  return sendPage(
    c,
    <OverviewPage
      frame={frame}
      {...(checklist === null
        ? { above: asksForCopy ? <MasterKeyBanner /> : undefined }
        : { firstSteps: <Checklist {...checklist} /> })}
      counts={countStates(known)}
      oldest={oldestOf(known, services.now())}
      stored={await storedOf(services.db, environmentId)}
      attention={await attentionOf(services, known, showsEnvironment)}
    />,
  );
}

/** The one whose last good backup is the oldest, among those that have one. */
function oldestOf(known: readonly KnownDatabase[], now: Date) {
  let oldest: { readonly name: string; readonly at: string; readonly maxAgeHours: number } | null = null;
  for (const { name, maxAgeHours, protection } of known) {
    const at = protection.lastGood?.at;
    if (at !== undefined && (oldest === null || at < oldest.at)) oldest = { name, at, maxAgeHours };
  }
  if (oldest === null) return null;
  const { name, at, maxAgeHours } = oldest;
  return { name, maxAgeHours, age: describeSpan(Math.max(0, now.getTime() - Date.parse(at))) };
}

async function attentionOf(
  services: Services,
  known: readonly KnownDatabase[],
  showsEnvironment: boolean,
): Promise<readonly AttentionItem[]> {
  const bad = known.filter(({ protection: { state } }) => state !== 'protected');
  const { databases } = findDatabases(
    bad,
    { search: '', state: null, engine: null, storage: null },
    { by: 'state', isDescending: false },
    { limit: MOST_NEWS, offset: 0 },
  );
  const items: AttentionItem[] = [];
  for (const { id, name, environmentName, protection } of databases) {
    const failures = await failuresSinceGood(services.db, id, protection);
    items.push({
      id,
      name,
      environmentName: showsEnvironment ? environmentName : null,
      state: protection.state,
      lastGoodAt: protection.lastGood?.at ?? null,
      cause: oneLine(failures?.cause ?? null),
    });
  }
  return items;
}

const LONGEST = 200;

function oneLine(text: string | null): string | null {
  const line = text?.split('\n')[0]?.trim() ?? '';
  if (line === '') return null;
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1).trimEnd()}…`;
}
