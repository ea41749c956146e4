import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Checks } from '../parts/checks.tsx';
import { DangerZone } from '../parts/danger-zone.tsx';
import { SelectField, TextArea, TextField } from '../parts/field.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatBytes } from '../parts/format.ts';
import { formatMinute } from '../parts/format-time.ts';
import { Notice } from '../parts/notice.tsx';
import { Columns, Panel } from '../parts/panel.tsx';
import { useReader } from '../parts/reader.ts';
import { type RestorableBackup, type RestoreChoices, WhichBackup } from './which-backup.tsx';

export interface RestoreServer {
  /** Empty: the app's own machine. */
  readonly id: string;
  readonly name: string;
  readonly environmentName: string;
  readonly isElsewhere: boolean;
}

export interface RestorePageProps {
  readonly frame: Frame;
  readonly backup: RestorableBackup;
  readonly database: {
    readonly id: string;
    readonly name: string;
    readonly environmentName: string;
    readonly engineName: string;
    /** A file on its host, so that there is no login. */
    readonly isFile: boolean;
    /** What is restored can take the place of what is there. */
    readonly swaps: boolean;
  };
  /** Single tables of it can be restored. */
  readonly selectsTables: boolean;
  /** Several connections can load it at once. */
  readonly takesJobs: boolean;
  readonly servers: readonly RestoreServer[];
  readonly choices: RestoreChoices;
  readonly form: FormState;
  /** What a look found, before anything is made; null: nobody has looked. */
  readonly checks: readonly RestoreCheck[] | null;
}

export interface RestoreCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly says: string;
}

/** Where a backup is restored to, and what that finds there; nothing is made before it is asked for. */
export function RestorePage(props: RestorePageProps) {
  const { frame, backup, database, form, checks } = props;
  const zone = useReader()?.zone ?? 'UTC';
  const isRefused = checks?.some(({ ok }) => !ok) ?? false;
  const hasErrors = Object.keys(form.errors).length > 0;
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
      <form method="post" action={`/backups/${backup.id}/restore`} class="restore">
        {form.message !== null && <Notice tone="error">{form.message}</Notice>}
        {form.message === null && hasErrors && <Notice tone="error">Please check the marked fields.</Notice>}
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
                  <Checks label="What was looked at" checks={checks.map(toCheck)} />
                )}
                <button type="submit" name="action" value="look" class="secondary outline">
                  {checks === null ? 'Look now' : 'Look again'}
                </button>
              </Panel>
            </>
          }
          side={
            <Panel title="What will happen">
              <Summary {...props} />
              {isRefused && (
                <p class="field-error" id="restore-refused">
                  Not as it stands: see what is marked under 3, change it, and look again.
                </p>
              )}
              <button
                type="submit"
                name="action"
                value="restore"
                disabled={isRefused}
                aria-describedby={isRefused ? 'restore-refused' : undefined}
              >
                Restore
              </button>
            </Panel>
          }
        />
      </form>
      {database.swaps && (
        <DangerZone>
          <p>
            It can also take the place of {database.name} itself. What is there now is backed up first, and
            kept beside it under another name.
          </p>
          <a class="button outline" href={`/backups/${backup.id}/restore-in-place`}>
            Restore in place…
          </a>
        </DangerZone>
      )}
    </Page>
  );
}

function Where({ database, servers, form, frame }: RestorePageProps) {
  const isAdmin = frame.user.role === 'admin';
  const elsewhere = servers.filter(({ isElsewhere }) => isElsewhere);
  return (
    <>
      <SelectField
        form={form}
        name="serverId"
        label="Server"
        // Not required: the machine of the app has no id, which a browser takes for nothing chosen.
        conditional
        help={`Beside ${database.name} as it is proposed: nothing that is there is overwritten.`}
        choices={servers.map(({ id, name, environmentName, isElsewhere }) => ({
          value: id,
          label: isElsewhere ? `${name} (${environmentName})` : name,
        }))}
      />
      <TextField
        form={form}
        name="newName"
        label={database.isFile ? 'Path of the new file' : 'Name of the new database'}
        help={
          database.isFile
            ? 'Whole, on that server. It must not be there yet.'
            : 'It must not be there yet. Left empty, a free one is found.'
        }
        spellcheck={false}
      />
      {!database.isFile && (
        <>
          <TextField
            form={form}
            name="host"
            label="Host"
            help="As seen from that server."
            spellcheck={false}
          />
          <TextField form={form} name="port" label="Port" type="number" min={1} max={65_535} />
          <TextField
            form={form}
            name="username"
            label="User"
            autocomplete="off"
            spellcheck={false}
            help="For this restore alone, and forgotten when it has ended. Left empty: the login for restores of that server where one is stored, else the user that backs up, who may not have the rights. On another server one of both is needed."
          />
          <TextField form={form} name="password" label="Password" type="password" autocomplete="off" />
        </>
      )}
      {isAdmin && elsewhere.length > 0 && (
        <TextField
          form={form}
          name="confirm"
          label="Name of the other environment"
          help="Only where the server is of another environment: its name, to confirm it."
          spellcheck={false}
        />
      )}
    </>
  );
}

function Summary({ backup, database }: RestorePageProps) {
  const [article, what] = database.isFile ? ['a', 'new file'] : ['a', 'new database'];
  return (
    <p>
      {formatBytes(backup.bytes)} are read{backup.place === null ? '' : ` from ${backup.place}`},{' '}
      {backup.hasHash ? 'checked against their SHA-256' : 'checked to the end of the dump'}, and played into{' '}
      {article} <strong>{what}</strong>. The rows of each table are counted.{' '}
      <strong>{database.name} stays as it is.</strong> What fails leaves nothing behind.
    </p>
  );
}

function toCheck({ name, ok, says }: RestoreCheck) {
  return { label: name, state: ok ? ('passed' as const) : ('failed' as const), detail: says };
}
