import type { Frame } from '../frame/frame.ts';
import { DangerZone } from '../parts/danger-zone.tsx';
import { AskLink, Dialog, type Question } from '../parts/dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { ConnectionTest, type TestResult } from '../parts/try-connection.tsx';
import { DatabaseFrame, type DatabaseSummary } from './database-head.tsx';

/** What is set of a database, the test of its connection, and its deletion. */
export function DatabaseSettingsPage(props: {
  readonly frame: Frame;
  readonly database: DatabaseSummary;
  /** Label and value, in order. */
  readonly facts: readonly (readonly [string, string])[];
  readonly test: TestResult | null;
  readonly question: Question | null;
}) {
  const { frame, database } = props;
  const { mayChange } = frame.user;
  return (
    <DatabaseFrame frame={frame} database={database} tab="settings">
      <Dialog question={props.question} />
      <Facts facts={props.facts} />
      {mayChange && (
        <>
          <ConnectionTest
            id="test-connection"
            label="Test connection"
            action={`/databases/${database.id}/test`}
            result={props.test}
          />
          <DangerZone>
            <p>
              Its backups can be deleted with it, or stay in the storage. The database itself is not touched.
            </p>
            <AskLink
              href={`/databases/${database.id}/settings?delete`}
              label="Delete"
              accessibleLabel={`Delete ${database.name}`}
              kind="button"
            />
          </DangerZone>
        </>
      )}
    </DatabaseFrame>
  );
}
