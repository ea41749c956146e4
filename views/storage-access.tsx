import { Badge } from './parts/badge.tsx';
import { AskLink, type Question } from './parts/dialog.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { PostButton } from './parts/form.tsx';
import { Names } from './parts/names.tsx';
import { type PageOfMany, Pager, samePage } from './parts/pager.tsx';
import { ACTIONS, Table } from './parts/table.tsx';
import { withQuery } from './parts/with-query.ts';

export interface EnvironmentAccess {
  readonly id: string;
  readonly name: string;
  readonly isEnabled: boolean;
  /** How many databases there back up to the storage, and how many backups lie in buckets. */
  readonly databases: number;
  readonly backups: number;
}

const STORAGE = '/admin/storage';

/** Which environments may use the storage, with a toggle each. */
export function EnvironmentAccessList({
  environments,
  page,
}: {
  readonly environments: readonly EnvironmentAccess[];
  readonly page: PageOfMany;
}) {
  return (
    <>
      <h2 id="environment-access">Environment Access</h2>
      <p>Only databases of environments where storage is enabled can be backed up to it.</p>
      {page.total === 0 ? (
        <EmptyState title="No environments yet">
          <a href="/environments/new">Create an environment</a>
        </EmptyState>
      ) : (
        <>
          <Table
            caption="Environment Access"
            columns={['Environment', 'Storage', 'Databases that use it', ACTIONS]}
          >
            {environments.map((environment) => (
              <tr key={environment.id}>
                <th scope="row">{environment.name}</th>
                <td data-label="Storage">
                  {environment.isEnabled ? (
                    <Badge tone="success" text="enabled" />
                  ) : (
                    <Badge tone="setting" text="disabled" />
                  )}
                </td>
                <td data-label="Databases">{environment.databases}</td>
                <td>
                  <Toggle environment={environment} page={page} />
                </td>
              </tr>
            ))}
          </Table>
          <Pager page={page} path={STORAGE} at="environment-access" />
        </>
      )}
    </>
  );
}

/** Enabling is done at once; so is disabling where nothing depends on it. */
function Toggle({
  environment,
  page,
}: {
  readonly environment: EnvironmentAccess;
  readonly page: PageOfMany;
}) {
  const { id, name, isEnabled, databases, backups } = environment;
  const label = isEnabled ? 'Disable' : 'Enable';
  const accessibleLabel = `${label} storage for ${name}`;
  if (isEnabled && databases + backups > 0) {
    return (
      <AskLink
        href={withQuery(samePage(STORAGE, page), 'disable', id)}
        label={label}
        accessibleLabel={accessibleLabel}
        kind="button"
      />
    );
  }
  return (
    <PostButton
      action={`/admin/storage/environments/${id}`}
      label={label}
      accessibleLabel={accessibleLabel}
      values={{
        enabled: isEnabled ? 'false' : 'true',
        ...(page.offset === 0 ? {} : { offset: String(page.offset) }),
      }}
    />
  );
}

/** Whether to take the storage away from an environment, with the names of the databases there that use it; `page` is where it is asked. */
export function questionOfAccess(
  { id, name, backups }: EnvironmentAccess,
  databases: readonly string[],
  page: Pick<PageOfMany, 'offset'>,
): Question {
  return {
    title: `Disable storage for ${name}?`,
    action: `/admin/storage/environments/${id}`,
    submit: 'Disable storage',
    back: samePage(STORAGE, page),
    children: (
      <>
        {page.offset > 0 && <input type="hidden" name="offset" value={page.offset} />}
        {databases.length > 0 && (
          <>
            <p>
              {databases.length === 1
                ? '1 database uses the storage there. Its backups fail'
                : `${databases.length} databases use the storage there. Their backups fail`}{' '}
              from then on, before anything is dumped:
            </p>
            <Names of="Databases" names={databases} />
          </>
        )}
        {backups > 0 && (
          <p>
            {backups === 1 ? '1 stored backup stays' : `${backups} stored backups stay`} in the bucket; the
            API gives out no downloads of {backups === 1 ? 'it' : 'them'} while storage is disabled.
          </p>
        )}
        {databases.length + backups === 0 && <p>Nothing there uses it now.</p>}
      </>
    ),
  };
}
