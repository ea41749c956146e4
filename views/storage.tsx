import { CapabilityCard, type CapabilityCardProps } from './capability-card.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Ago } from './parts/ago.tsx';
import { AreaChart } from './parts/charts/area.tsx';
import { AskLink, Dialog, type Question } from './parts/dialog.tsx';
import { EmptyState } from './parts/empty-state.tsx';
import { formatBytes } from './parts/format.ts';
import { MoreMenu } from './parts/more-menu.tsx';
import type { PageOfMany } from './parts/pager.tsx';
import { changeText, growthText, type StoredGrowth } from './parts/stored-growth.ts';
import { Table } from './parts/table.tsx';
import { ConnectionTest, type TestResult } from './parts/try-connection.tsx';
import { type EnvironmentAccess, EnvironmentAccessList } from './storage-access.tsx';
import { BucketList, type BucketListProps, LIST_FAILS } from './storage-buckets.tsx';
import { StorageFitness } from './storage-fitness.tsx';
import { LeftoverList, type LeftoverListProps } from './storage-leftovers.tsx';
import { PolicyDetails, type PolicyShown } from './storage-policy.tsx';

export interface StorageSummary {
  readonly providerName: string;
  readonly region: string;
  readonly endpoint: string;
  readonly accessKey: string;
  readonly buckets: readonly string[];
}

/** A bucket, or (without an endpoint) what lies on a host. */
export interface StoredPlace {
  readonly name: string;
  readonly endpoint: string | null;
  readonly count: number;
  readonly bytes: number;
  /** Bytes since the last weekly report; null where none has told yet. */
  readonly growth: number | null;
}

export function StoragePage(props: {
  readonly frame: Frame;
  readonly storage: StorageSummary | null;
  readonly stored: readonly StoredPlace[];
  /** What is not among them, for there are too many. */
  readonly elsewhere: { readonly places: number; readonly bytes: number };
  /** When the last weekly report told what lay where; null: none has. */
  readonly reportedAt: string | null;
  /** Of all that the installation keeps, also on the disks of hosts. */
  readonly growth: StoredGrowth;
  readonly buckets: BucketListProps;
  /** A page of them. */
  readonly environments: readonly EnvironmentAccess[];
  readonly environmentPage: PageOfMany;
  readonly policy: PolicyShown | null;
  readonly leftovers: LeftoverListProps;
  readonly test: TestResult | null;
  readonly capabilities: CapabilityCardProps;
  readonly question: Question | null;
}) {
  const { frame, storage } = props;
  return (
    <Page
      frame={frame}
      section="storage"
      title="Storage"
      actions={storage === null ? undefined : <StorageActions />}
    >
      <Dialog question={props.question} />
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
          <StoredByBucket {...props} />
          <BucketList {...props.buckets} />
          <ConnectionTest
            id="test-storage"
            label="Test Connection"
            action="/admin/storage/test"
            include={`#${LIST_FAILS}`}
            result={props.test}
          />
          <CapabilityCard {...props.capabilities} />
          <EnvironmentAccessList environments={props.environments} page={props.environmentPage} />
          <LeftoverList {...props.leftovers} />
          <h2>Least privilege</h2>
          <PolicyDetails policy={props.policy} />
        </>
      )}
      {storage === null && <LeftoverList {...props.leftovers} />}
    </Page>
  );
}

function StorageActions() {
  return (
    <>
      <a class="button" href="/admin/storage/edit">
        Edit
      </a>
      <MoreMenu label="More for the storage">
        <AskLink
          href="/admin/storage?delete"
          label="Delete…"
          accessibleLabel="Delete the storage configuration"
        />
      </MoreMenu>
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
  elsewhere,
  reportedAt,
  growth,
}: {
  readonly stored: readonly StoredPlace[];
  readonly elsewhere: { readonly places: number; readonly bytes: number };
  readonly reportedAt: string | null;
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
          ...(reportedAt === null ? [] : [{ label: 'Since the last report', isFigure: true }]),
        ]}
        dense
      >
        {stored.map(({ endpoint, name, count, bytes, growth: grown }) => (
          <tr key={`${endpoint} ${name}`}>
            <th scope="row">{name}</th>
            <td data-label="Endpoint">{endpoint ?? 'on a host'}</td>
            <td class="figure" data-label="Backups">
              {count}
            </td>
            <td class="figure" data-label="Size">
              {formatBytes(bytes)}
            </td>
            {reportedAt !== null && (
              <td class="figure" data-label="Since the last report">
                {grown === null || grown === 0 ? '–' : changeText(grown)}
              </td>
            )}
          </tr>
        ))}
      </Table>
      {elsewhere.places > 0 && (
        <p class="field-help">
          And {formatBytes(elsewhere.bytes)} in {elsewhere.places}{' '}
          {elsewhere.places === 1 ? 'place more, with no more in it.' : 'places more, with no more in each.'}
        </p>
      )}
      {reportedAt !== null && (
        <p class="field-help">
          The last weekly report noted what lay where <Ago at={reportedAt} />.
        </p>
      )}
      <h3>Growth, last 60 days</h3>
      <p>
        Stored in all buckets and on hosts: {formatBytes(growth.bytes)}, {growthText(growth.inAWeek)}.
      </p>
      <AreaChart points={growth.points} noun="Stored" />
    </>
  );
}
