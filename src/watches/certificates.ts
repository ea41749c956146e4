import type { Context } from '../db/context.ts';
import { byBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';
import { type Ending, tellEndings } from './endings.ts';

/** From when to when a certificate is good, and which it is. */
export interface Validity {
  readonly fingerprint: string;
  readonly from: string;
  readonly until: string;
}

/** What can be seen of certificates. */
export interface CertificateReader {
  /** Of the last to end in a PEM: an older one may lie beside its successor; null where there is none. */
  ofPem(pem: string): Validity | null;
  /** Of what a server shows; null where none answers, none is used, or it is reached through a proxy. */
  ofServer(url: string, signal: AbortSignal): Promise<Validity | null>;
}

export interface CertificateContext extends Context {
  readonly certificates: CertificateReader;
  /** The certificates of `STORAGE_CA_FILE`; null: none is named. */
  readonly storageCa: string | null;
  /** Where this app is reached from outside; null: not known. */
  readonly publicUrl: string | null;
}

interface Seen {
  readonly id: string;
  /** What it is of. */
  readonly what: string;
  readonly advice: string;
  /** Null: it could not be looked at. */
  readonly validity: Validity | null;
}

/**
 * Tells of certificates that end within a week, within a day, or have: that of the storage's endpoint and of the own public URL, as they are
 * shown, and of authorities that were given for the storage and for databases.
 */
export async function watchCertificates(context: CertificateContext, signal: AbortSignal): Promise<void> {
  const { db, certificates, storageCa, publicUrl } = context;
  const servers = [...(await storageServers(db)), ...(publicUrl === null ? [] : [ownServer(publicUrl)])];
  const seen: Seen[] = [];
  for (const { url, ...server } of servers) {
    seen.push({ ...server, validity: await certificates.ofServer(url, signal) });
  }
  if (storageCa !== null) seen.push({ ...STORAGE_CA, validity: certificates.ofPem(storageCa) });
  seen.push(...(await databaseAuthorities(db, certificates)));
  if (signal.aborted) return;
  const endings = seen.flatMap(({ validity, ...of }) => (validity === null ? [] : [endingOf(of, validity)]));
  const unknown = seen.flatMap(({ id, validity }) => (validity === null ? [id] : []));
  await tellEndings(context, 'certificate', endings, unknown);
}

function endingOf({ id, what, advice }: Omit<Seen, 'validity'>, { from, until }: Validity): Ending {
  const of = { type: 'certificate.ending', databaseId: null, environmentId: null } as const;
  return {
    ...{ id, from, until },
    event: (stage) => ({ ...of, data: { what, advice, expiresAt: until, isOver: stage === 'over' } }),
  };
}

type Server = Omit<Seen, 'validity'> & { readonly url: string };

async function storageServers(db: Db): Promise<readonly Server[]> {
  const rows = await db.selectFrom('spaces_config').select('endpoint').execute();
  return rows.flatMap(({ endpoint }) => {
    const { protocol, host } = new URL(endpoint);
    const advice = 'From then on no backup reaches it: renew it at the storage.';
    const what = `the storage at ${host}`;
    return protocol === 'https:' ? [{ id: `certificate:storage:${host}`, what, advice, url: endpoint }] : [];
  });
}

function ownServer(url: string): Server {
  const { host } = new URL(url);
  const advice = 'From then on browsers and API clients refuse to come here: renew it at your proxy.';
  return { id: `certificate:public:${host}`, what: `this app at ${host}`, advice, url };
}

const STORAGE_CA = {
  id: 'certificate:storage-ca',
  what: 'the storage’s authority (STORAGE_CA_FILE)',
  advice: 'Put the new one into the file, and start the app again.',
};

const MOST_NAMED = 3;

/** One for each certificate, whichever databases have it. */
async function databaseAuthorities(db: Db, certificates: CertificateReader): Promise<readonly Seen[]> {
  const rows = await db
    .selectFrom('databases')
    .select(['name', 'options'])
    .where('options', 'like', '%BEGIN CERTIFICATE%')
    .orderBy('name', byBytes(db))
    .orderBy('id')
    .execute();
  const namesOf = Map.groupBy(rows, ({ options }) => JSON.parse(options).tlsCa);
  const given = [...namesOf].flatMap(([pem, of]) => {
    const validity = typeof pem === 'string' ? certificates.ofPem(pem) : null;
    return validity === null ? [] : of.map(({ name }) => ({ name, validity }));
  });
  return [...Map.groupBy(given, ({ validity }) => validity.fingerprint)].map(([fingerprint, of]) => ({
    id: `certificate:database:${fingerprint}`,
    what: `the authority of ${listOf(of.map(({ name }) => name))}`,
    advice: 'From then on they may refuse to be backed up: enter the new one in their settings.',
    validity: of[0]?.validity ?? null,
  }));
}

function listOf(names: readonly string[]): string {
  const named = names.slice(0, MOST_NAMED).map((name) => `"${name}"`);
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return `${names.length === 1 ? 'database' : 'databases'} ${named.join(', ')}${more}`;
}
