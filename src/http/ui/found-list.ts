import type { Context } from 'hono';
import type { Destinations, FoundList, SearchedServer } from '../../../views/find-databases.tsx';
import { hasRole } from '../../auth/roles.ts';
import { isAppError } from '../../errors.ts';
import { providerOf } from '../../object-stores/providers.ts';
import type { Services } from '../../services-port.ts';
import { isStorageEnabled } from '../../storage/enabled.ts';
import { mostUsedBucket } from '../../storage/in-use.ts';
import { plainEndpoint, spacesRow } from '../../storage/storage.ts';
import { bucketChoices } from './bucket-choices.ts';
import { BUCKET, type FoundOnServer, LOCAL, toFoundItems } from './find-form.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { scheduleChoices } from './schedule-choice.ts';

/** So many fit onto a page. */
const MOST_SHOWN = 200;

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
  const more = items.length - MOST_SHOWN;
  return {
    serverVersion: discovered.serverVersion,
    found: items.slice(0, MOST_SHOWN),
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
  const storage = await spacesRow(services.db);
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
