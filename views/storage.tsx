import { CapabilityCard, type CapabilityCardProps } from './capability-card.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { AreaChart } from './parts/charts/area.tsx';
import { Confirm } from './parts/confirm.tsx';
import { ConnectionTest, type TestResult } from './parts/connection-test.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { formatBytes } from './parts/format.ts';
import { Names } from './parts/names.tsx';
import { growthText, type StoredGrowth } from './parts/stored-growth.ts';
import { Table } from './parts/table.tsx';
import { type EnvironmentAccess, EnvironmentAccessList } from './storage-access.tsx';
import { BucketList, type BucketListProps } from './storage-buckets.tsx';
import { StorageFitness } from './storage-fitness.tsx';
import { PolicyDetails, type PolicyShown } from './storage-policy.tsx';

export interface StorageSummary {
  readonly providerName: string;
  readonly region: string;
  readonly endpoint: string;
  readonly accessKey: string;
  readonly buckets: readonly string[];
}

/** What would be without a storage if the configuration went. */
export interface StorageDependents {
  readonly environments: readonly string[];
  /** With their environments. */
  readonly databases: readonly string[];
  readonly backups: { readonly count: number; readonly bytes: number; readonly places: readonly string[] };
}

export interface StoredPlace {
  readonly endpoint: string;
  readonly bucket: string;
  readonly count: number;
  readonly bytes: number;
}

export function StoragePage(props: {
  readonly frame: Frame;
  readonly storage: StorageSummary | null;
  readonly dependents: StorageDependents;
  readonly stored: readonly StoredPlace[];
  /** Of all that the installation keeps, also on the disks of hosts. */
  readonly growth: StoredGrowth;
  readonly buckets: BucketListProps;
  readonly environments: readonly EnvironmentAccess[];
  readonly policy: PolicyShown | null;
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
      actions={storage === null ? undefined : <StorageActions dependents={props.dependents} />}
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
          <StorageState storage={storage} capabilities={props.capabilities} />
          <StoredByBucket stored={props.stored} growth={props.growth} />
          <BucketList {...props.buckets} />
          <ConnectionTest
            id="test-storage"
            label="Test Connection"
            action="/admin/storage/test"
            result={props.test}
          />
          <CapabilityCard {...props.capabilities} />
          <EnvironmentAccessList environments={props.environments} />
          {props.leftovers.length > 0 && <Leftovers leftovers={props.leftovers} />}
          <h2>Least privilege</h2>
          <PolicyDetails policy={props.policy} />
        </>
      )}
      {storage === null && props.leftovers.length > 0 && <Leftovers leftovers={props.leftovers} />}
    </Page>
  );
}

function StorageActions({ dependents }: { dependents: StorageDependents }) {
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
        <WhatDepends dependents={dependents} />
      </Confirm>
    </>
  );
}

function WhatDepends({ dependents }: { dependents: StorageDependents }) {
  const { environments, databases, backups } = dependents;
  return (
    <>
      {environments.length === 0 ? (
        <p>No environment may use it now.</p>
      ) : (
        <p>These environments lose access to it: {environments.join(', ')}.</p>
      )}
      {databases.length > 0 && (
        <>
          <p>
            {databases.length === 1
              ? '1 database backs up to it. Its backups fail'
              : `${databases.length} databases back up to it. Their backups fail`}{' '}
            from then on:
          </p>
          <Names names={databases} />
        </>
      )}
      {backups.count > 0 && (
        <p>
          {backups.count === 1 ? '1 backup' : `${backups.count} backups`} ({formatBytes(backups.bytes)}) in{' '}
          {backups.places.join(', ')} can't be downloaded or deleted from here until a storage is configured
          again.
        </p>
      )}
      <p>What is stored in the buckets stays there.</p>
    </>
  );
}

/** In one line: what it is, by which key, and whether it is fit. */
function StorageState({
  storage: { providerName, region, endpoint, accessKey, buckets },
  capabilities,
}: {
  readonly storage: StorageSummary;
  readonly capabilities: CapabilityCardProps;
}) {
  return (
    <p class="storage-state">
      <strong>{providerName}</strong> · <code>{region}</code> · <code>{endpoint}</code> · key{' '}
      <code>…{accessKey.slice(-4)}</code> ·{' '}
      {buckets.length === 0 ? 'buckets found with the key' : `buckets ${buckets.join(', ')}`} ·{' '}
      <StorageFitness {...capabilities} />
    </p>
  );
}

/** How much lies where; a bucket that nothing was stored in is not among them. */
function StoredByBucket({
  stored,
  growth,
}: {
  readonly stored: readonly StoredPlace[];
  readonly growth: StoredGrowth;
}) {
  if (stored.length === 0) return null;
  return (
    <>
      <h2>Stored</h2>
      <Table
        caption="Stored by bucket"
        columns={[
          'Bucket',
          'Endpoint',
          { label: 'Backups', isFigure: true },
          { label: 'Size', isFigure: true },
        ]}
        dense
      >
        {stored.map(({ endpoint, bucket, count, bytes }) => (
          <tr key={`${endpoint} ${bucket}`}>
            <th scope="row">{bucket}</th>
            <td data-label="Endpoint">{endpoint}</td>
            <td class="figure" data-label="Backups">
              {count}
            </td>
            <td class="figure" data-label="Size">
              {formatBytes(bytes)}
            </td>
          </tr>
        ))}
      </Table>
      <h3>Growth, last 60 days</h3>
      <p>
        Stored in all buckets and on hosts: {formatBytes(growth.bytes)}, {growthText(growth.inAWeek)}.
      </p>
      <AreaChart points={growth.points} noun="Stored" />
    </>
  );
}

/** Something that could not be removed yet. */
export interface LeftoverItem {
  readonly id: string;
  readonly kind: string;
  readonly place: string;
  readonly since: string;
  readonly reason: string;
  readonly tries: number;
  /** Null while a try is on its way. */
  readonly nextTryAt: string | null;
}

function Leftovers({ leftovers }: { leftovers: readonly LeftoverItem[] }) {
  return (
    <>
      <h2>Left behind</h2>
      <p>
        Backups left these behind, or were deleted and could not be removed, because the place refused or
        could not be reached; or an answer was lost. Removal is tried again until it is certain that nothing
        is there.
      </p>
      <Table caption="Left behind" columns={['What', 'Where', 'Since', 'Tries', 'Next try', 'Why']}>
        {leftovers.map((leftover) => (
          <tr key={leftover.id}>
            <td data-label="What">{leftover.kind}</td>
            <td class="file" data-label="Where">
              <code>{leftover.place}</code>
            </td>
            <td data-label="Since">
              <Ago at={leftover.since} />
            </td>
            <td data-label="Tries">{leftover.tries}</td>
            <td data-label="Next try">
              <Ago at={leftover.nextTryAt} />
            </td>
            <td data-label="Why">{leftover.reason}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}
