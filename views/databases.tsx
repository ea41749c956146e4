import type { EnvironmentChoice, Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { BackupBadge, type BackupOutcome, type BackupStatus } from './parts/backup-badge.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { Instant } from './parts/instant.tsx';
import { type PageOfMany, Pager } from './parts/pager.tsx';
import { ProtectionBadge, type ProtectionState } from './parts/protection-badge.tsx';
import { ACTIONS, Table } from './parts/table.tsx';

export interface DatabaseItem {
  readonly id: string;
  readonly name: string;
  readonly typeName: string;
  readonly serverName: string;
  readonly destination: string;
  readonly protection: { readonly state: ProtectionState; readonly lastGoodAt: string | null };
  readonly lastBackup: {
    readonly status: BackupStatus;
    readonly outcome: BackupOutcome | null;
    readonly createdAt: string;
  } | null;
}

export function DatabasesPage(props: {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
  readonly databases: readonly DatabaseItem[];
  readonly page: PageOfMany;
}) {
  const { frame, environment, databases } = props;
  const mayChange = frame.user.role !== 'viewer';
  const list = `/environments/${environment.id}/databases`;
  const create = (
    <a class="button" href={`${list}/new`}>
      New database
    </a>
  );
  return (
    <Page
      frame={frame}
      section="databases"
      title="Databases"
      actions={mayChange && databases.length > 0 ? create : undefined}
    >
      {databases.length === 0 ? (
        <EmptyState title={`No databases in ${environment.name} yet`}>
          <p>Register a database to back it up.</p>
          {mayChange && create}
        </EmptyState>
      ) : (
        <>
          <Table
            caption="Databases"
            columns={['Name', 'State', 'Last good', 'Type', 'Server', 'Stored in', 'Last run', ACTIONS]}
          >
            {databases.map((database) => (
              <tr key={database.id}>
                <th scope="row">
                  <a href={`/databases/${database.id}`}>{database.name}</a>
                </th>
                <td data-label="State">
                  <ProtectionBadge state={database.protection.state} />
                </td>
                <td data-label="Last good">
                  {database.protection.lastGoodAt === null ? (
                    'never'
                  ) : (
                    <Instant at={database.protection.lastGoodAt} />
                  )}
                </td>
                <td data-label="Type">{database.typeName}</td>
                <td data-label="Server">{database.serverName}</td>
                <td data-label="Stored in">{database.destination}</td>
                <td data-label="Last run">
                  <LastBackup backup={database.lastBackup} />
                </td>
                <td>
                  <a href={`/databases/${database.id}`} aria-label={`Open ${database.name}`}>
                    Open
                  </a>
                </td>
              </tr>
            ))}
          </Table>
          <Pager page={props.page} path={list} />
        </>
      )}
    </Page>
  );
}

function LastBackup({ backup }: { backup: DatabaseItem['lastBackup'] }) {
  if (backup === null) return <span>never</span>;
  return (
    <>
      <BackupBadge status={backup.status} outcome={backup.outcome} /> <Instant at={backup.createdAt} />
    </>
  );
}
