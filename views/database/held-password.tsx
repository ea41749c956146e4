import { TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';

/** Why the password of a database is not sent, one line each, and what this is about, for the answer. */
export interface HeldPassword {
  readonly target: string;
  readonly changes: readonly string[];
}

/** Asks for the password again or, of an admin, for a yes to where it would go now. */
export function HeldPasswordNotice(props: {
  readonly databaseId: string;
  readonly held: HeldPassword;
  readonly form: FormState;
  readonly isAdmin: boolean;
}) {
  const { held, isAdmin } = props;
  const base = `/databases/${props.databaseId}`;
  return (
    <Notice tone="warning">
      <p>
        <strong>The stored password is not sent, so backups fail.</strong> It was given for another target:
      </p>
      <ul>
        {held.changes.map((change) => (
          <li key={change}>{change}</li>
        ))}
      </ul>
      <p>Put the settings back, or type the password again if it is to go there.</p>
      <Form action={`${base}/password`} form={props.form} submit="Save password">
        <input type="hidden" name="target" value={held.target} />
        <TextField form={props.form} name="password" label="Password" type="password" required />
      </Form>
      {isAdmin ? (
        <PostButton
          action={`${base}/confirm-target`}
          label="Send the stored password there from now on"
          values={{ target: held.target }}
        />
      ) : (
        <p>Without the password, an admin can confirm the new target on this page.</p>
      )}
    </Notice>
  );
}
