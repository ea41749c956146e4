import { CheckboxField, TextArea, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import type { FieldView, RouteView } from './reference.ts';

/** Sends the request through this installation, as the token that is typed: whoever is signed in does not count. */
export function TryForm({ route, form }: { readonly route: RouteView; readonly form: FormState }) {
  return (
    <Form action={`/docs/${route.id}#answer`} form={form} submit="Send">
      {route.parameters.map(({ name }) => (
        <TextField key={name} form={form} name={`param.${name}`} label={name} spellcheck={false} required />
      ))}
      {route.query.map((field) => (
        <TextField
          key={field.name}
          form={form}
          name={`query.${field.name}`}
          label={field.name}
          help={helpOn(field)}
          spellcheck={false}
          required={field.isRequired}
        />
      ))}
      {route.body !== null && (
        <TextArea
          form={form}
          name="body"
          label="Body"
          help="JSON. What is named as a secret in it, such as a password, is blank again after sending."
          rows={rowsOf(form.values['body'])}
          required
        />
      )}
      {route.isKeyed && <TextField form={form} name="key" label="Idempotency-Key" spellcheck={false} />}
      {!route.isPublic && (
        <TextField
          form={form}
          name="token"
          label="Token"
          type="password"
          autocomplete="off"
          help="An API token, or one of a sign-in by the API. It goes with this request, is kept nowhere, and never shown again."
          conditional
        />
      )}
      {route.isChanging && (
        <CheckboxField
          form={form}
          name="confirm"
          label="Really do it: this is no rehearsal, it changes this installation"
          required
        />
      )}
    </Form>
  );
}

function helpOn({ type, notes }: FieldView): string {
  return [type, ...notes].join('; ');
}

const FEWEST_ROWS = 4;
const MOST_ROWS = 20;

function rowsOf(text: string | undefined): number {
  return Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, (text ?? '').split('\n').length + 1));
}
