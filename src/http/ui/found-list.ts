import type { Context } from 'hono';
import type { Destinations, FoundItem, FoundList, SearchedServer } from '../../../views/found-databases.tsx';
import { hasRole } from '../../auth/roles.ts';
import { isAppError } from '../../errors.ts';
import { providerOf } from '../../object-stores/providers.ts';
import type { Services } from '../../services-port.ts';
import { isStorageEnabled } from '../../storage/enabled.ts';
import { mostUsedBucket } from '../../storage/in-use.ts';
import { plainEndpoint, storageRow } from '../../storage/storage.ts';
import { bucketChoices } from './bucket-choices.ts';
import { BUCKET, type FoundOnServer, isOffered, LOCAL, toFoundItems } from './find-form.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { scheduleChoices } from './schedule-choice.ts';

/** So much of it fits onto a page. */
const MOST_SHOWN = 100;
const MOST_BYTES = 36_000;
const ROW_BYTES = 220;

/** With its tags, which rules of schedules look at. */
export interface TaggedServer extends SearchedServer {
  readonly tags: readonly string[];
}

/** What was found as the form shows it, with where backups of the server's environment may go; `ticked` as a form that came back had it. */
export async function foundList(
  c: Context<UiEnv>,
  services: Services,
  server: TaggedServer,
  discovered: FoundOnServer,
  ticked: readonly string[] | null = null,
): Promise<FoundList> {
  const items = toFoundItems(discovered, ticked);
  const { destinations, note } = await destinationsFor(c, services, server.environment.id);
  const shown = firstOf(items);
  const more = items.length - shown.length;
  return {
    serverVersion: discovered.serverVersion,
    found: shown,
    notes: [
      ...discovered.notes,
      ...(more > 0 ? [`${more} more were found; register these first, or name other folders.`] : []),
      ...(note === null ? [] : [note]),
    ],
    destinations,
    schedule: await scheduleChoices(services, {
      environmentId: server.environment.id,
      engine: discovered.type,
      tags: server.tags,
    }),
  };
}

/** As many as fit; where not all do, those first that can be registered, so that one gets to each. */
function firstOf(items: readonly FoundItem[]): readonly FoundItem[] {
  if (fitting(items) === items.length) return items;
  const [open, others] = [items.filter(isOffered), items.filter((item) => !isOffered(item))];
  const sorted = [...open, ...others];
  return sorted.slice(0, fitting(sorted));
}

/** How many, one at least. A name stands in its row once as it is, and twice as forms send it. */
function fitting(items: readonly FoundItem[]): number {
  let bytes = 0;
  const end = items.findIndex(({ name, value }, index) => {
    bytes += ROW_BYTES + bytesOf(name) + 2 * bytesOf(value);
    return index === MOST_SHOWN || (index > 0 && bytes > MOST_BYTES);
  });
  return end < 0 ? items.length : end;
}

/** In HTML. */
function bytesOf(text: string): number {
  const escaped = text.match(/[&<>"']/g)?.length ?? 0;
  return new TextEncoder().encode(text).length + 5 * escaped;
}

/** Where the backups of an environment may go; a storage that gives no list says why. */
async function destinationsFor(
  c: Context<UiEnv>,
  services: Services,
  environmentId: string,
): Promise<{ readonly destinations: Destinations; readonly note: string | null }> {
  const isOn = await isStorageEnabled(services.db, environmentId);
  const { buckets, note } = isOn ? await bucketsOrNote(services, c.req.raw.signal) : NO_BUCKETS;
  const used = isOn ? await mostUsedBucket(services.db) : null;
  const proposed = buckets.find(({ value }) => value === used) ?? buckets[0];
  const storage = await storageRow(services.db);
  const whose = storage === undefined ? '' : ` at ${placeName(storage.endpoint)}`;
  return {
    note,
    destinations: {
      choices: [
        ...buckets.map(({ value, label }) => ({
          value: `${BUCKET}${value}`,
          label: `Spaces: bucket ${label}${whose}`,
        })),
        { value: LOCAL, label: 'Local: /var/backups on the server itself' },
      ],
      proposed: proposed === undefined ? '' : `${BUCKET}${proposed.value}`,
      storageIsOff: !isOn,
      storageIsConfigured: isOn || storage !== undefined,
      mayEnable: hasRole(c.get('session').user.role, 'admin'),
    },
  };
}

/** The provider by its name, a server of one's own by its address. */
function placeName(endpoint: string): string {
  const { accountOf, name } = providerOf(endpoint);
  return accountOf === null ? plainEndpoint(endpoint) : name;
}

const NO_BUCKETS = { buckets: [], note: null };

async function bucketsOrNote(services: Services, signal: AbortSignal) {
  try {
    return { buckets: await bucketChoices(services, signal), note: null };
  } catch (error) {
    if (!isAppError(error, 'invalid')) throw error;
    return { buckets: [], note: error.message };
  }
}
