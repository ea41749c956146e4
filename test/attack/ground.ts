import type { ChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import type { Sshd } from '../support/sshd.ts';
import type { Verdict } from './verdict.ts';

/** What every part of the attack works with. */
export interface Ground {
  /** The bundled app, see `support/child-process.ts`. */
  readonly program: string;
  readonly verdict: Verdict;
  /** In [0, 1), decided by the seed. */
  readonly random: () => number;
}

/** In every name: a space, a plus, a letter and a sign beyond ASCII, a quote, and what an encoder makes of a space. */
export const ODD = "ü + 😀 %20 it's";

/** Creates something through the API and gives its id. */
export async function create(app: ChildApp, name: string, path: string, body: Json): Promise<string> {
  const made = (await app.ask('POST', path, body))[name] as Json;
  return String(made['id']);
}

/** An environment of that host, whose backups may be downloaded. */
export async function createEnvironment(
  app: ChildApp,
  sshd: Sshd,
): Promise<{ readonly environment: string; readonly server: string }> {
  const environment = await create(app, 'environment', '/api/environments', { name: `production ${ODD}` });
  await app.ask('PATCH', `/api/environments/${environment}/settings/data`, { allowBackupDownload: true });
  await app.ask('PUT', `/api/environments/${environment}/ssh`, {
    sshPrivateKey: sshd.privateKey,
    sshUser: sshd.user,
  });
  const server = await create(app, 'server', `/api/environments/${environment}/servers`, {
    name: `host ${ODD}`,
    hostname: sshd.host,
    sshPort: sshd.port,
  });
  return { environment, server };
}

/** Every backup of a database, as the API tells. */
export async function backupsOf(app: ChildApp, database: string): Promise<readonly Json[]> {
  const { backups } = (await app.ask('GET', `/api/databases/${database}/backups?limit=200`)) as {
    backups: Json[];
  };
  return backups;
}

export function isOpen(backup: Json): boolean {
  return (
    backup['status'] === 'pending' || backup['status'] === 'in_progress' || backup['outcome'] === 'uncertain'
  );
}
