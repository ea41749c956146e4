import { useAssetUrl } from './asset-url.ts';
import { TextField } from './field.tsx';
import type { FormState } from './form-state.ts';

/**
 * Where a password is chosen. With JavaScript a meter tells meanwhile how soon it would be guessed; what is typed stays in
 * the browser.
 */
export function NewPasswordField(props: {
  readonly form: FormState;
  readonly name: string;
  readonly label: string;
  /** Characters that it has at least. */
  readonly least: number;
  /** What else to say below it. */
  readonly more?: string;
}) {
  const { form, name, label, least, more } = props;
  const assetUrl = useAssetUrl();
  const help = `At least ${least} characters. Several words that don't belong together make a good one.`;
  return (
    <>
      <TextField
        form={form}
        name={name}
        label={label}
        type="password"
        autocomplete="new-password"
        minlength={least}
        help={more === undefined ? help : `${help} ${more}`}
        required
      />
      <div
        class="password-strength"
        data-field={`field-${name}`}
        data-loads={`${assetUrl('zxcvbn.js')} ${assetUrl('zxcvbn-common.js')}`}
        hidden
      >
        <meter min={0} max={4} low={2} high={3} optimum={4} value={0} aria-label="Strength" />
        <span class="password-strength-words" aria-live="polite" />
      </div>
      <script src={assetUrl('password-strength.js')} defer />
    </>
  );
}
