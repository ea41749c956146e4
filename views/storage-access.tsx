import { Badge } from './parts/badge.tsx';
import { Confirm } from './parts/confirm.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { PostButton } from './parts/form.tsx';
import { Names } from './parts/names.tsx';
import { ACTIONS, Table } from './parts/table.tsx';

export interface EnvironmentAccess {
  readonly id: string;
  readonly name: string;
  readonly spacesEnabled: boolean;
  /** The databases there that back up to the storage, and how many backups lie in buckets. */
  readonly databases: readonly string[];
  readonly backups: number;
}

/** Which environments may use the storage, with a toggle each. */
export function EnvironmentAccessList({ environments }: { environments: readonly EnvironmentAccess[] }) {
  return (
    <>
      <h2 id="environment-access">Environment Access</h2>
      <p>Only databases of environments where storage is enabled can be backed up to it.</p>
      {environments.length === 0 ? (
        <EmptyState title="No environments yet">
          <a href="/environments/new">Create an environment</a>
        </EmptyState>
      ) : (
        <Table
          caption="Environment Access"
          columns={['Environment', 'Storage', 'Databases that use it', ACTIONS]}
        >
          {environments.map((environment) => (
            <tr key={environment.id}>
              <th scope="row">{environment.name}</th>
              <td data-label="Storage">
                {environment.spacesEnabled ? (
                  <Badge tone="success" text="enabled" />
                ) : (
                  <Badge tone="neutral" text="disabled" />
                )}
              </td>
              <td data-label="Databases">{environment.databases.length}</td>
              <td>
                <Toggle environment={environment} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

/** Enabling is done at once; so is disabling where nothing depends on it. */
function Toggle({ environment }: { environment: EnvironmentAccess }) {
  const { id, name, spacesEnabled, databases, backups } = environment;
  const action = `/admin/storage/environments/${id}`;
  if (!spacesEnabled || (databases.length === 0 && backups === 0)) {
    const label = spacesEnabled ? 'Disable' : 'Enable';
    return (
      <PostButton
        action={action}
        label={label}
        accessibleLabel={`${label} storage for ${name}`}
        values={{ enabled: spacesEnabled ? 'false' : 'true' }}
      />
    );
  }
  return (
    <Confirm
      id={`disable-${id}`}
      label="Disable"
      accessibleLabel={`Disable storage for ${name}`}
      title={`Disable storage for ${name}?`}
      action={action}
      submit="Disable storage"
    >
      {databases.length > 0 && (
        <>
          <p>
            {databases.length === 1
              ? '1 database uses the storage there. Its backups fail'
              : `${databases.length} databases use the storage there. Their backups fail`}{' '}
            from then on, before anything is dumped:
          </p>
          <Names names={databases} />
        </>
      )}
      {backups > 0 && (
        <p>
          {backups === 1 ? '1 stored backup stays' : `${backups} stored backups stay`} in the bucket; the API
          gives out no downloads of {backups === 1 ? 'it' : 'them'} while storage is disabled.
        </p>
      )}
    </Confirm>
  );
}
