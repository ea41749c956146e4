import type { EnvironmentChoice, Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Badge } from './parts/badge.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { Instant } from './parts/instant.tsx';
import type { Tone } from './parts/notice.tsx';
import { ACTIONS, Table } from './parts/table.tsx';

export interface ServerItem {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly sshPort: number;
  readonly status: 'unknown' | 'healthy' | 'unhealthy';
  readonly lastCheckedAt: string | null;
  /** `SHA256:…` of the pinned host key. */
  readonly fingerprint: string | null;
}

export function ServersPage(props: {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
  readonly servers: readonly ServerItem[];
}) {
  const { frame, environment, servers } = props;
  const mayChange = frame.user.role !== 'viewer';
  const create = (
    <a class="button" href={`/environments/${environment.id}/servers/new`}>
      New server
    </a>
  );
  return (
    <Page
      frame={frame}
      section="servers"
      title="Servers"
      actions={mayChange && servers.length > 0 ? create : undefined}
    >
      {servers.length === 0 ? (
        <EmptyState title={`No servers in ${environment.name} yet`}>
          <p>
            A server is a machine that BRIDGEPORT reaches over SSH to run the dump tool beside the database.
          </p>
          {mayChange && create}
        </EmptyState>
      ) : (
        <Table caption="Servers" columns={['Name', 'Address', 'Status', 'Host key', 'Last checked', ACTIONS]}>
          {servers.map((server) => (
            <tr key={server.id}>
              <th scope="row">
                <a href={`/servers/${server.id}`}>{server.name}</a>
              </th>
              <td data-label="Address">
                <code>{addressOf(server)}</code>
              </td>
              <td data-label="Status">
                <ServerStatus status={server.status} />
              </td>
              <td data-label="Host key">
                {server.fingerprint === null ? 'none yet' : <code>{server.fingerprint}</code>}
              </td>
              <td data-label="Last checked">
                <Instant at={server.lastCheckedAt} />
              </td>
              <td>
                <a href={`/servers/${server.id}`} aria-label={`Open ${server.name}`}>
                  Open
                </a>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Page>
  );
}

const STATUS_TONES: Readonly<Record<ServerItem['status'], Tone | 'neutral'>> = {
  unknown: 'neutral',
  healthy: 'success',
  unhealthy: 'error',
};

export function ServerStatus({ status }: { readonly status: ServerItem['status'] }) {
  return <Badge tone={STATUS_TONES[status]} text={status} />;
}

function addressOf({ hostname, sshPort }: ServerItem): string {
  return sshPort === 22 ? hostname : `${hostname} port ${sshPort}`;
}
