import { CheckboxField, TextField } from '../parts/field.tsx';
import type { FormState } from '../parts/form-state.ts';

/** Whether what is replaced is backed up first; a form that says nothing of it means so. */
export function isSafetyWanted({ values }: FormState): boolean {
  return values['safetyAsked'] !== 'true' || values['safetyBackup'] === 'true';
}

export function SafetyBackup({ form }: { readonly form: FormState }) {
  return (
    <>
      {/* Tells a box that was left empty from a form without one. */}
      <input type="hidden" name="safetyAsked" value="true" />
      <CheckboxField
        form={form}
        name="safetyBackup"
        label="Back it up first"
        help="It is backed up, read back, and only then replaced. Take the tick away only where that can’t succeed any more."
      />
    </>
  );
}

/** Who is thrown out for it, and as whom it is done. */
export function Sessions({ form, does }: { readonly form: FormState; readonly does: keyof typeof MAY }) {
  return (
    <>
      <CheckboxField
        form={form}
        name="endSessions"
        label="End sessions on it"
        help="Programs that are connected lose their connection, and what they had not committed. Not ticked: with somebody connected nothing is replaced."
      />
      <TextField
        form={form}
        name="username"
        label="User"
        spellcheck={false}
        help={`For this restore alone: one who ${MAY[does]}. Left empty: the user that backs up.`}
      />
      <TextField form={form} name="password" label="Password" type="password" autocomplete="off" />
    </>
  );
}

const MAY = {
  load: 'owns what is in the database',
  swap: 'may create databases and act as the owner of this one',
  rename: 'may create databases and act as the owners of both',
} as const;
