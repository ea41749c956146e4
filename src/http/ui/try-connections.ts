import { OWN_KEYS } from '../../../views/first-contact.tsx';
import { formatBytes } from '../../../views/parts/format.ts';
import type { TestResult } from '../../../views/parts/try-connection.tsx';
import type { Actor } from '../../audit/audit.ts';
import { type ConnectionTest, tryDatabase } from '../../databases/try-database.ts';
import { isLocalHostname } from '../../servers/open-server.ts';
import { getServer } from '../../servers/servers.ts';
import { tryServer } from '../../servers/try-server.ts';
import type { Services } from '../../services-port.ts';

/** A test of a server as the page shows it; `otherFingerprint` as in `SshTest`. */
export type ServerTest = TestResult & { readonly otherFingerprint?: string };

/** Test SSH, as the page shows it; `shownHostKey` as in `tryServer`. Throws `not_found`. */
export async function tryServerForPage(
  services: Services,
  actor: Actor,
  serverId: string,
  signal: AbortSignal,
  shownHostKey?: string,
): Promise<ServerTest> {
  const test = await tryServer(services, actor, serverId, signal, shownHostKey);
  const { hostname } = await getServer(services.db, serverId);
  return {
    success: test.success,
    message:
      test.error ??
      (isLocalHostname(hostname) ? ownMachine(services) : `Connected in ${test.durationMs} ms.`),
    facts: pinned(test.pinnedFingerprint),
    ...(test.otherFingerprint === undefined ? {} : { otherFingerprint: test.otherFingerprint }),
  };
}

function ownMachine({ isContainer }: Services): string {
  return `Runs commands here, without SSH${isContainer ? ': in the container itself, not on the machine around it' : ''}.`;
}

/** Test connection of a database, as the page shows it. Throws `not_found`. */
export async function tryDatabaseForPage(
  services: Services,
  actor: Actor,
  database: { readonly id: string; readonly environmentId: string },
  signal: AbortSignal,
): Promise<TestResult> {
  return shownTest(await tryDatabase(services, actor, database.environmentId, database.id, signal));
}

/** The look at a database, registered or not, as the pages show it. */
export function shownTest(test: ConnectionTest): TestResult {
  const latency = test.latencyMs === null ? '' : ` in ${test.latencyMs} ms`;
  return {
    success: test.success,
    message: test.error ?? `The database can be read${latency}.`,
    isPartial: test.warnings !== undefined,
    facts: [
      ...(test.serverVersion === undefined ? [] : [`Server version ${test.serverVersion}`]),
      ...(test.clientVersion === undefined ? [] : [`Dump tool version ${test.clientVersion}`]),
      ...(test.estimatedBytes === undefined
        ? []
        : [`The database has about ${formatBytes(test.estimatedBytes)}`]),
      ...pinned(test.pinnedFingerprint),
      ...(test.warnings ?? []),
    ],
  };
}

/** What is said of a key that was pinned just now; nothing where none was. */
export function pinned(fingerprint: string | undefined): readonly string[] {
  if (fingerprint === undefined) return [];
  return [
    `The host key ${fingerprint} was pinned at this first contact. Compare it now with the server's own (${OWN_KEYS} prints it there): if they differ, somebody may stand in between. Then forget the key on the server's page, and find out who answers there.`,
  ];
}
