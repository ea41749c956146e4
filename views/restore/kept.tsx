import { DangerZone } from '../parts/danger-zone.tsx';
import { CheckboxField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';

/** What a restore in place has replaced, and what became of it. */
export interface Kept {
  readonly name: string;
  readonly isDropped: boolean;
}

/** Drops what was replaced, its name typed. */
export function DropKept(props: {
  readonly restoreId: string;
  readonly kept: Kept;
  /** There is no login to a file. */
  readonly isFile: boolean;
  readonly form: FormState;
}) {
  const { restoreId, kept, isFile, form } = props;
  return (
    <DangerZone>
      <p>
        What was there before is kept as <strong>{kept.name}</strong>. Once you are sure that nobody needs it,
        drop it: it is gone for good then, but for its backups.
      </p>
      <Form action={`/restores/${restoreId}/drop-kept`} form={form} submit="Drop it">
        {!isFile && <DropLogin form={form} />}
        <TextField
          form={form}
          name="confirm"
          label={`Type ${kept.name} to confirm`}
          conditional
          spellcheck={false}
        />
      </Form>
    </DangerZone>
  );
}

/** Drops what was restored beside its database, its name typed. */
export function DropRestored(props: {
  readonly restoreId: string;
  readonly name: string;
  readonly isFile: boolean;
  /** Its backup is gone or damaged. */
  readonly isOnlyCopy: boolean;
  readonly form: FormState;
}) {
  const { restoreId, name, isFile, isOnlyCopy, form } = props;
  return (
    <DangerZone>
      <p>
        Once nobody needs <strong>{name}</strong> any more, drop it.{' '}
        {isOnlyCopy ? (
          <strong>
            It is the only copy: the backup that it was restored from is deleted, pruned or damaged.
          </strong>
        ) : (
          'It is gone for good then, but for what is in the backup that it was restored from.'
        )}{' '}
        What was written into it since is in no backup of this restore. Nothing else is touched.
      </p>
      {isFile && (
        <p>
          Keep it where an application was pointed to it: it is the file in use then, whatever has it open at
          this moment.
        </p>
      )}
      <Form action={`/restores/${restoreId}/drop`} form={form} submit="Drop it">
        {isFile ? (
          <CheckboxField
            form={form}
            name="isUnused"
            label="Nothing uses it"
            help="Needed where the SSH user can’t see what other users’ processes have open: have somebody look as root. Programs in containers and on other machines are seen by nobody."
            conditional
          />
        ) : (
          <DropLogin form={form} />
        )}
        {isOnlyCopy && (
          <CheckboxField
            form={form}
            name="isOnlyCopy"
            label="Nobody needs this only copy any more"
            required
          />
        )}
        <TextField
          form={form}
          name="confirm"
          label={`Type ${name} to confirm`}
          conditional
          spellcheck={false}
        />
      </Form>
    </DangerZone>
  );
}

function DropLogin({ form }: { readonly form: FormState }) {
  return (
    <>
      <TextField
        form={form}
        name="username"
        label="User"
        spellcheck={false}
        help="One who may drop it. Left empty: the login for restores of that server where one is stored, else the user that backs up."
      />
      <TextField form={form} name="password" label="Password" type="password" autocomplete="off" />
    </>
  );
}

/** On the page of a database: what restores have replaced and nobody has dropped. */
export function KeptNotice({ kept }: { readonly kept: readonly { id: string; name: string }[] }) {
  if (kept.length === 0) return null;
  return (
    <Notice tone="info">
      Kept since a restore in place, until you drop it:{' '}
      {kept.map(({ id, name }, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <a href={`/restores/${id}`}>{name}</a>
        </span>
      ))}
    </Notice>
  );
}
