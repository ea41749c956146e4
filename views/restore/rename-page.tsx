import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { TextField } from '../parts/field.tsx';
import { FormErrors } from '../parts/form-errors.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Columns, Panel } from '../parts/panel.tsx';
import { isSafetyWanted, SafetyBackup, Sessions } from './in-place-fields.tsx';
import type { RestoreItem } from './restored.ts';

/** What was restored beside a database takes the place of that, as it is by now. */
export function RenamePage(props: {
  readonly frame: Frame;
  readonly item: RestoreItem;
  /** What the database is called on its server. */
  readonly replaced: string;
  readonly form: FormState;
  /** Why it can’t, where it can’t. */
  readonly obstacle: string | null;
}) {
  const { item } = props;
  const isSafe = isSafetyWanted(props.form);
  const form = { ...props.form, values: { ...props.form.values, safetyBackup: String(isSafe) } };
  const path = `/restores/${item.id}`;
  return (
    <Page
      frame={props.frame}
      section="runs"
      title={`Rename ${item.newName} into place`}
      back={{ href: path, label: `Restore of ${item.databaseName}` }}
      {...(item.environmentName === null ? {} : { within: item.environmentName })}
    >
      <form method="post" action={`${path}/rename`} class="restore">
        <FormErrors form={{ ...form, message: form.message ?? props.obstacle }} />
        <Columns
          main={
            <Panel title="What is replaced">
              <p>
                <strong>{props.replaced}</strong> on {item.serverName ?? 'this machine'}, by{' '}
                <strong>{item.newName}</strong> as it is by now
              </p>
              <SafetyBackup form={form} />
              <Sessions form={form} does="rename" />
            </Panel>
          }
          side={
            <Panel title="What will happen">
              <p>
                {isSafe
                  ? `${item.databaseName} is backed up as it is now. Then`
                  : 'Nothing is backed up first.'}{' '}
                {item.newName} gets its owner, its settings and its name, and what is there now is kept under
                another name until you drop it: both or neither. What fails before leaves both as they are.
                Nothing is compared with the backup again: what was written to {item.newName} since it was
                restored takes the place, too.
              </p>
              <TextField
                form={form}
                name="confirm"
                label={`Type ${item.databaseName} to confirm`}
                conditional
                spellcheck={false}
              />
              <button type="submit" class="danger" disabled={props.obstacle !== null}>
                Rename into place
              </button>
            </Panel>
          }
        />
      </form>
    </Page>
  );
}
