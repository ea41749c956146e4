import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { Badge } from './parts/badge.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import type { Tone } from './parts/notice.tsx';
import { type PageOfMany, Pager } from './parts/pager.tsx';
import { Table } from './parts/table.tsx';

export interface ServerItem {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly sshPort: number;
  readonly status: 'unknown' | 'healthy' | 'unhealthy';
  readonly lastCheckedAt: string | null;
  /** `SHA256:…` of the pinned host key. */
  readonly fingerprint: string | null;
  /** The machine that the app runs on, where commands run without SSH. */
  readonly isOwn: boolean;
}

export interface ListedServer extends ServerItem {
  readonly environmentName: string;
}

export function ServersPage(props: {
  readonly frame: Frame;
  readonly servers: readonly ListedServer[];
  readonly page: PageOfMany;
}) {
  const { frame, servers, page } = props;
  const { mayChange } = frame.user;
  const create = (
    <a class="button" href="/servers/new">
      Add server
    </a>
  );
  const where = frame.environment === null ? '' : ` in ${frame.environment.name}`;
  return (
    <Page
      frame={frame}
      section="servers"
      title="Servers"
      actions={mayChange && page.total > 0 ? create : undefined}
    >
      {page.total === 0 ? (
        <EmptyState title={`No servers${where} yet`}>
          <p>
            A server is a machine that BRIDGEPORT reaches over SSH to run the dump tool beside the database.
          </p>
          {mayChange && create}
        </EmptyState>
      ) : (
        <>
          <Table
            caption="Servers"
            columns={['Name', 'Environment', 'Address', 'Status', 'Host key', 'Last checked']}
          >
            {servers.map((server) => (
              <tr key={server.id}>
                <th scope="row">
                  <a href={`/servers/${server.id}`}>{server.name}</a>
                </th>
                <td data-label="Environment">{server.environmentName}</td>
                <td data-label="Address">
                  {server.isOwn ? 'this machine' : <code>{addressOf(server)}</code>}
                </td>
                <td data-label="Status">
                  <ServerStatus status={server.status} />
                </td>
                <td data-label="Host key">
                  <KeyOf server={server} />
                </td>
                <td data-label="Last checked">
                  <Ago at={server.lastCheckedAt} />
                </td>
              </tr>
            ))}
          </Table>
          <Pager page={page} path="/servers" />
        </>
      )}
    </Page>
  );
}

function KeyOf({ server: { isOwn, fingerprint } }: { readonly server: ServerItem }) {
  if (isOwn) return <>no SSH</>;
  return fingerprint === null ? <>none yet</> : <code>{fingerprint}</code>;
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
