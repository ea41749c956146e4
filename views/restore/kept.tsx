import { DangerZone } from '../parts/danger-zone.tsx';
import { CheckboxField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';

/** What a restore in place has replaced, as long as it is kept. */
export interface Kept {
  readonly name: string;
  /** No backup has it: none was made before, or that is gone or damaged. */
  readonly isOnlyCopy: boolean;
}

/** Drops what was replaced, its name typed. */
export function DropKept(props: {
  readonly restoreId: string;
  readonly kept: Kept;
  readonly hasSafetyBackup: boolean;
  /** There is no login to a file. */
  readonly isFile: boolean;
  readonly form: FormState;
}) {
  const { restoreId, kept, hasSafetyBackup, isFile, form } = props;
  return (
    <DangerZone>
      <p>
        What was there before is kept as <strong>{kept.name}</strong>. Once you are sure that nobody needs it,
        drop it.{' '}
        {kept.isOnlyCopy ? (
          <strong>
            It is the only copy:{' '}
            {hasSafetyBackup
              ? 'the safety backup that was made before is deleted, pruned or damaged.'
              : 'no safety backup was made before.'}
          </strong>
        ) : (
          'It is gone for good then, but for what is in its safety backup: what was written after that, until the swap, is nowhere else.'
        )}
      </p>
      <UsedNote isFile={isFile} />
      <DropForm action={`/restores/${restoreId}/drop-kept`} {...{ ...kept, isFile, form }} />
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
      <UsedNote isFile={isFile} />
      <DropForm action={`/restores/${restoreId}/drop`} {...{ name, isFile, isOnlyCopy, form }} />
    </DangerZone>
  );
}

function UsedNote({ isFile }: { readonly isFile: boolean }) {
  return (
    <p>
      Keep it where an application was pointed to it:{' '}
      {isFile
        ? 'it is the file in use then, whatever has it open at this moment.'
        : 'it is the database in use then, whoever is connected at this moment.'}
    </p>
  );
}

function DropForm(props: {
  readonly action: string;
  readonly name: string;
  readonly isFile: boolean;
  readonly isOnlyCopy: boolean;
  readonly form: FormState;
}) {
  const { action, name, isFile, isOnlyCopy, form } = props;
  return (
    <Form action={action} form={form} submit="Drop it" isPlain>
      {!isFile && <DropLogin form={form} />}
      <CheckboxField
        form={form}
        name="isUnused"
        label="Nothing uses it"
        help={isFile ? UNSEEN_FILE : UNSEEN_DATABASE}
        conditional
      />
      {isOnlyCopy && (
        <CheckboxField
          form={form}
          name="isOnlyCopy"
          label="Nobody needs this only copy any more"
          help="Needed to drop it; not where it turns out to be gone already."
          conditional
        />
      )}
      {(form.errors['mayBeGone'] ?? form.values['mayBeGone']) !== undefined && (
        <CheckboxField
          form={form}
          name="mayBeGone"
          label="Somebody has dropped it"
          help="It counts as dropped then, if it is not there."
          conditional
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
  );
}

const UNSEEN_FILE =
  'Needed where the SSH user can’t see what other users’ processes have open: have somebody look as root. Programs in containers and on other machines are seen by nobody.';
const UNSEEN_DATABASE =
  'Needed where somebody has written into it since the restore, or nobody can tell whether somebody has.';

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
