import type { FoundItem } from '../../../views/found-databases.tsx';
import { type DiscoveredDatabases, discoveryInput } from '../../databases/discover.ts';
import type { SharedSettings } from '../../databases/register-found.ts';
import type { Engine } from '../../engines/engine.ts';
import { engines } from '../../engines/engines.ts';
import { short } from '../../short-text.ts';
import { type FormBody, numberOf, textOf } from './kit/form-body.ts';

/** Where applications usually keep files, for who does not know better. */
const USUAL_FOLDERS = ['/srv', '/opt', '/var/lib', '/var/www', '/home'];

/** The form before anybody has typed; on the app's own machine only some folders may be looked into. */
export function findValues(ownFolders: readonly string[] | null): FormBody {
  const [first] = engines;
  return { type: first?.type ?? '', host: 'localhost', folders: (ownFolders ?? USUAL_FOLDERS).join('\n') };
}

/** What is asked, parsed by the schema of the search. */
export function parseSearch(engine: Engine, body: FormBody) {
  if (engine.isFile) {
    const folders = (body['folders'] ?? '').split(/\r?\n/).map((line) => line.trim());
    return discoveryInput.safeParse({ type: engine.type, folders: folders.filter((line) => line !== '') });
  }
  return discoveryInput.safeParse({
    type: engine.type,
    host: textOf(body, 'host'),
    port: numberOf(body, 'port'),
    username: body['username'] || null,
    password: body['password'] || null,
    tlsMode: textOf(body, 'tlsMode') ?? undefined,
    tlsCa: textOf(body, 'tlsCa') ?? undefined,
  });
}

/** What the databases that are registered together have in common. */
export function sharedSettings(
  engine: Engine,
  { folders: _, type: __, ...connection }: ReturnType<typeof discoveryInput.parse>,
  destination: Pick<SharedSettings, 'backupStorageType' | 'backupSpacesBucket'>,
): SharedSettings {
  const options = Object.fromEntries(Object.entries(connection).filter(([, value]) => value !== undefined));
  return { type: engine.type, ...(engine.isFile ? {} : options), options: engine.proposed, ...destination };
}

/** The choice of the form: a bucket by its name, or a folder on the server. */
export function destinationOf(
  body: FormBody,
): Pick<SharedSettings, 'backupStorageType' | 'backupSpacesBucket'> | null {
  const chosen = body['destination'] ?? '';
  if (chosen === LOCAL) return { backupStorageType: 'local' };
  if (!chosen.startsWith(BUCKET)) return null;
  return { backupStorageType: 'spaces', backupSpacesBucket: chosen.slice(BUCKET.length) };
}

export const LOCAL = 'local';
export const BUCKET = 'bucket:';

/** What the form needs of the answer to a search. */
export type FoundOnServer = Pick<DiscoveredDatabases, 'type' | 'serverVersion' | 'notes' | 'found'>;

/**
 * What was found, as rows of the form. A name travels encoded: browsers change line breaks in what they send. `ticked`: the names that were;
 * null: nobody has chosen yet, and of a single one there is nothing to choose.
 */
export function toFoundItems(
  { found }: Pick<FoundOnServer, 'found'>,
  ticked: readonly string[] | null,
): readonly FoundItem[] {
  const items = found.map(({ databaseName, filePath, sizeBytes, registered, obstacle }) => ({
    // What can't be registered is shown to be recognised, no more.
    name:
      obstacle === null
        ? (databaseName ?? filePath ?? '')
        : short(databaseName ?? filePath ?? '', LONGEST_SHOWN),
    value: encodeURIComponent(databaseName ?? filePath ?? ''),
    sizeBytes,
    registered,
    obstacle,
  }));
  const isLone = items.filter(isOffered).length === 1;
  return items.map((item) => ({ ...item, isTicked: ticked === null ? isLone : ticked.includes(item.name) }));
}

const LONGEST_SHOWN = 300;

/** It can be registered. */
export const isOffered = ({ registered, obstacle }: Pick<FoundItem, 'registered' | 'obstacle'>) =>
  registered === null && obstacle === null;

/** The names that a form of ours sent; what is none of them is left out. */
export function decodeNames(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => {
    try {
      return decodeURIComponent(value) || [];
    } catch {
      return [];
    }
  });
}
