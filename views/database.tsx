import { type BackupItem, BackupList } from './backup-list.tsx';
import type { EnvironmentChoice, Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { type HeldPassword, HeldPasswordNotice } from './held-password.tsx';
import { type LiveRun, LiveRuns } from './live-runs.tsx';
import { Confirm } from './parts/confirm.tsx';
import { ConnectionTest, type TestResult } from './parts/connection-test.tsx';
import { Facts } from './parts/facts.tsx';
import { PostButton } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { Notice } from './parts/notice.tsx';
import type { PageOfMany } from './parts/pager.tsx';
import { ProtectionBanner, type ProtectionOfDatabase } from './protection-banner.tsx';

export interface DatabaseSummary {
  readonly id: string;
  readonly name: string;
  readonly typeName: string;
  readonly environment: EnvironmentChoice;
  /** Label and value, in order. */
  readonly facts: readonly (readonly [string, string])[];
  readonly protection: ProtectionOfDatabase;
  /** What is allowed about its bucket and prefix, but seldom meant. */
  readonly warnings: readonly string[];
}

export function DatabasePage(props: {
  readonly frame: Frame;
  readonly database: DatabaseSummary;
  readonly runs: readonly LiveRun[];
  readonly backups: readonly BackupItem[];
  readonly page: PageOfMany;
  readonly allowDownload: boolean;
  readonly isStorageEnabled: boolean;
  readonly test: TestResult | null;
  /** Null where nothing holds the stored password back. */
  readonly held: HeldPassword | null;
  readonly passwordForm: FormState;
}) {
  const { frame, database, held } = props;
  const mayChange = frame.user.role !== 'viewer';
  const base = `/databases/${database.id}`;
  return (
    <Page
      frame={frame}
      section="databases"
      title={database.name}
      back={{ href: '/databases', label: 'Databases' }}
      within={database.environment.name}
      actions={mayChange ? <DatabaseActions database={database} /> : undefined}
    >
      <ProtectionBanner databaseId={database.id} protection={database.protection} />
      <Facts facts={database.facts} />
      {mayChange && held !== null && (
        <HeldPasswordNotice
          databaseId={database.id}
          held={held}
          form={props.passwordForm}
          isAdmin={frame.user.role === 'admin'}
        />
      )}
      {mayChange &&
        database.warnings.map((warning) => (
          <Notice key={warning} tone="warning">
            {warning}
          </Notice>
        ))}
      {mayChange && (
        <ConnectionTest
          id="test-connection"
          label="Test connection"
          action={`${base}/test`}
          result={props.test}
        />
      )}
      <h2>Backups</h2>
      <LiveRuns databaseId={database.id} runs={props.runs} mayChange={mayChange} />
      <BackupList
        databaseId={database.id}
        backups={props.backups}
        page={props.page}
        allowDownload={props.allowDownload}
        isStorageEnabled={props.isStorageEnabled}
        mayChange={mayChange}
        mayConfigure={frame.user.role === 'admin'}
      />
    </Page>
  );
}

function DatabaseActions({ database }: { database: DatabaseSummary }) {
  const base = `/databases/${database.id}`;
  return (
    <>
      <PostButton action={`${base}/backups`} label="Backup now" kind="primary" />
      <a class="button outline" href={`${base}/edit`}>
        Edit
      </a>
      <Confirm
        id="delete-database"
        label="Delete"
        accessibleLabel={`Delete ${database.name}`}
        title={`Delete ${database.name}?`}
        action={`${base}/delete`}
        submit="Delete database"
      >
        <p>
          BRIDGEPORT forgets the database; the database itself is not touched. Its backups must be deleted
          first.
        </p>
      </Confirm>
    </>
  );
}
