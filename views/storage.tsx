import { Badge } from './badge.tsx';
import { CapabilityCard, type CapabilityCardProps } from './capability-card.tsx';
import { Confirm } from './confirm.tsx';
import { ConnectionTest, type TestResult } from './connection-test.tsx';
import { EmptyState } from './empty-state.tsx';
import { Facts } from './facts.tsx';
import { PostButton } from './form.tsx';
import { type Frame, Page } from './page.tsx';
import { ACTIONS, Table } from './table.tsx';

export interface StorageSummary {
  readonly providerName: string;
  readonly region: string;
  readonly endpoint: string;
  readonly accessKey: string;
  readonly buckets: readonly string[];
}

export interface EnvironmentAccess {
  readonly id: string;
  readonly name: string;
  readonly spacesEnabled: boolean;
}

export function StoragePage(props: {
  readonly frame: Frame;
  readonly storage: StorageSummary | null;
  readonly environments: readonly EnvironmentAccess[];
  readonly leftovers: readonly LeftoverItem[];
  readonly test: TestResult | null;
  readonly capabilities: CapabilityCardProps;
}) {
  const { frame, storage } = props;
  return (
    <Page
      frame={frame}
      section="storage"
      title="Storage"
      actions={storage === null ? undefined : <StorageActions />}
    >
      {storage === null ? (
        <EmptyState title="No storage is configured">
          <p>
            Backups can go to any S3-compatible storage: one for the installation, enabled per environment.
          </p>
          <a class="button" href="/admin/storage/edit">
            Configure Spaces
          </a>
        </EmptyState>
      ) : (
        <>
          <StorageFacts storage={storage} />
          <ConnectionTest
            id="test-storage"
            label="Test Connection"
            action="/admin/storage/test"
            result={props.test}
          />
          <CapabilityCard {...props.capabilities} />
          <EnvironmentAccessList environments={props.environments} />
        </>
      )}
      {props.leftovers.length > 0 && <Leftovers leftovers={props.leftovers} />}
    </Page>
  );
}

function StorageActions() {
  return (
    <>
      <a class="button" href="/admin/storage/edit">
        Edit
      </a>
      <Confirm
        id="delete-storage"
        label="Delete"
        accessibleLabel="Delete the storage configuration"
        title="Delete the storage configuration?"
        action="/admin/storage/delete"
        submit="Delete configuration"
      >
        <p>
          Every environment loses access to it, and backups to Spaces fail. What is stored in the buckets
          stays there.
        </p>
      </Confirm>
    </>
  );
}

function StorageFacts({ storage }: { storage: StorageSummary }) {
  return (
    <Facts
      facts={[
        ['Provider', storage.providerName],
        ['Region', <code>{storage.region}</code>],
        ['Endpoint', <code>{storage.endpoint}</code>],
        ['Access key', <code>{storage.accessKey}</code>],
        ['Buckets', storage.buckets.length === 0 ? 'found with the key' : storage.buckets.join(', ')],
      ]}
    />
  );
}

function EnvironmentAccessList({ environments }: { environments: readonly EnvironmentAccess[] }) {
  return (
    <>
      <h2 id="environment-access">Environment Access</h2>
      <p>Only databases of environments where storage is enabled can be backed up to it.</p>
      {environments.length === 0 ? (
        <EmptyState title="No environments yet">
          <a href="/environments/new">Create an environment</a>
        </EmptyState>
      ) : (
        <Table caption="Environment Access" columns={['Environment', 'Storage', ACTIONS]}>
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
              <td>
                <PostButton
                  action={`/admin/storage/environments/${environment.id}`}
                  label={environment.spacesEnabled ? 'Disable' : 'Enable'}
                  accessibleLabel={`${environment.spacesEnabled ? 'Disable' : 'Enable'} storage for ${environment.name}`}
                  values={{ enabled: environment.spacesEnabled ? 'false' : 'true' }}
                />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

/** Something that a failed run could not remove yet. */
export interface LeftoverItem {
  readonly id: string;
  readonly kind: string;
  readonly place: string;
  readonly tries: number;
  readonly lastError: string | null;
}

function Leftovers({ leftovers }: { leftovers: readonly LeftoverItem[] }) {
  return (
    <>
      <h2>Left behind</h2>
      <p>
        Failed backups left these behind because the place refused or could not be reached. Removal is tried
        again.
      </p>
      <Table caption="Left behind" columns={['What', 'Where', 'Tries', 'Last error']}>
        {leftovers.map((leftover) => (
          <tr key={leftover.id}>
            <td data-label="What">{leftover.kind}</td>
            <td data-label="Where">
              <code>{leftover.place}</code>
            </td>
            <td data-label="Tries">{leftover.tries}</td>
            <td data-label="Last error">{leftover.lastError ?? '–'}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}
