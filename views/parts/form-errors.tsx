import { fieldId } from './field-id.ts';
import type { FormState } from './form-state.ts';
import { Notice } from './notice.tsx';

/** What is wrong with what was sent: with the whole of it, and with each field, as links to the fields. Nothing where all is well. */
export function FormErrors({ form }: { readonly form: FormState }) {
  const errors = Object.entries(form.errors);
  if (form.message === null && errors.length === 0) return null;
  return (
    <Notice tone="error">
      {form.message ?? 'Please check:'}
      {errors.length > 0 && (
        <ul>
          {errors.map(([name, error]) => (
            <li key={name}>
              <a href={`#${fieldId(name)}`}>{wordsOf(name)}</a>: {error}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}

const IN_CAPITALS = /\b(?:ca|id|ip|pem|ssh|ssl|tls|url)\b/g;

/** Of fields whose label is another word than their name on the wire. */
const LABELS: Readonly<Record<string, string>> = { cronExpression: 'Times', drillCron: 'Times of drills' };

/** The name of a field, `sshPort` or `options.format`, as people write it; its label stands at the field. */
function wordsOf(name: string): string {
  const label = LABELS[name];
  if (label !== undefined) return label;
  const words = name
    .replaceAll(/[._-]+/g, ' ')
    .replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase()
    .replaceAll(IN_CAPITALS, (word) => word.toUpperCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}
