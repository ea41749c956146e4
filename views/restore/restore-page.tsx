import { Page } from '../frame/page.tsx';
import { TextArea, TextField } from '../parts/field.tsx';
import { FormErrors } from '../parts/form-errors.tsx';
import { formatMinute } from '../parts/format-time.ts';
import { Columns, Panel } from '../parts/panel.tsx';
import { useReader } from '../parts/reader.ts';
import { LookedAt } from './looked-at.tsx';
import type { RestorePageProps } from './restore-props.ts';
import { RestoreSummary } from './restore-summary.tsx';
import { Where } from './restore-where.tsx';
import { WhichBackup } from './which-backup.tsx';

/** Where a backup is restored to, and what that finds there; nothing is made before it is asked for. */
export function RestorePage(props: RestorePageProps) {
  const { frame, backup, database, form, checks } = props;
  const zone = useReader()?.zone ?? 'UTC';
  const isRefused = checks?.some(({ ok }) => !ok) ?? false;
  return (
    <Page
      frame={frame}
      section="databases"
      title={`Restore ${database.name}`}
      back={{
        href: `/backups/${backup.id}`,
        label: `${database.name}, ${formatMinute(backup.createdAt, zone)}`,
      }}
      within={database.environmentName}
    >
      <form id="restore-form" method="post" action={`/backups/${backup.id}/restore`} class="restore">
        <FormErrors form={form} />
        <Columns
          main={
            <>
              <Panel title="1. Which backup">
                <WhichBackup backup={backup} databaseId={database.id} choices={props.choices} form={form} />
              </Panel>
              <Panel title="2. Where to">
                <Where {...props} />
              </Panel>
              {props.selectsTables && (
                <Panel title="Only some tables">
                  <TextArea
                    form={form}
                    name="tables"
                    label="Tables"
                    conditional
                    help="One a line, as schema.name. Left empty, all is restored. Of a chosen table come its columns and rows, and nothing else: no keys, indexes, triggers, sequences, large objects, views, functions or types, no owners or grants, no row security or policies."
                  />
                </Panel>
              )}
              {props.takesJobs && (
                <Panel title="Faster">
                  <TextField
                    form={form}
                    name="jobs"
                    label="Jobs at once"
                    type="number"
                    min={2}
                    max={16}
                    help="So many connections load rows and build indexes at the same time. The whole archive lies in a file on the host meanwhile, which needs that much room in /var/tmp. Left empty: one connection, nothing on the host’s disk."
                  />
                </Panel>
              )}
              <Panel title="3. Checked before anything is touched">
                {checks === null ? (
                  <p class="field-help">
                    Versions, name, rights and room are looked at before the first byte in any case. Nothing
                    is made by a look.
                  </p>
                ) : (
                  <LookedAt checks={checks} takesUser />
                )}
                <button type="submit" name="action" value="look" class="secondary outline">
                  {checks === null ? 'Look now' : 'Look again'}
                </button>
              </Panel>
            </>
          }
          side={
            <Panel title="What will happen">
              <RestoreSummary {...props} isRefused={isRefused} />
            </Panel>
          }
        />
      </form>
    </Page>
  );
}
