import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Dialog, type Question } from '../parts/dialog.tsx';
import { RadioField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { NewPasswordField } from '../parts/new-password-field.tsx';
import { Notice } from '../parts/notice.tsx';
import type { PageOfMany } from '../parts/pager.tsx';
import { type TokenItem, TokenTable } from '../tokens/token-table.tsx';
import { LinkedSignOn, type LinkItem, type SignOnOfAccount } from './linked-sign-on.tsx';
import { type SessionItem, SessionTable } from './session-table.tsx';

export function AccountPage(props: {
  readonly frame: Frame;
  readonly form: FormState;
  readonly display: FormState;
  /** The installation's. */
  readonly zone: string;
  /** Characters that a password has at least. */
  readonly leastPassword: number;
  /** One's own. */
  readonly tokens: readonly TokenItem[];
  /** How many have ended besides. */
  readonly moreTokens: number;
  /** One’s own, a page of them. */
  readonly sessions: readonly SessionItem[];
  readonly sessionPage: PageOfMany;
  /** Whether a code is asked for after the password. */
  readonly hasSecondFactor: boolean;
  readonly signOn: SignOnOfAccount;
  readonly question: Question | null;
}) {
  const { frame } = props;
  return (
    <Page frame={frame} section="account" title="Account">
      <p>
        Signed in as <strong>{frame.user.email}</strong>, role {frame.user.role}.
      </p>
      <Display form={props.display} zone={props.zone} />
      <OwnTokens tokens={props.tokens} more={props.moreTokens} />
      <h2 id="sessions">Sessions</h2>
      <p>Where you are signed in. End what you don’t know, and change the password.</p>
      <SessionTable sessions={props.sessions} page={props.sessionPage} />
      <LinkedSignOn {...props.signOn} />
      {props.signOn.hasPassword ? (
        <OwnPassword {...props} links={props.signOn.links} />
      ) : (
        <WithoutPassword message={props.form.message} />
      )}
      <Dialog question={props.question} />
    </Page>
  );
}

const THEMES = [
  { value: 'auto', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const;

function Display({ form, zone }: { readonly form: FormState; readonly zone: string }) {
  return (
    <>
      <h2>Display</h2>
      <Form action="/account/display" form={form} submit="Save display">
        <TextField
          form={form}
          name="timeZone"
          label="Time zone"
          placeholder={zone}
          spellcheck={false}
          help={`Of the times on these pages, in every browser. Such as Europe/Berlin. Empty: that of the browser, else the installation’s, ${zone}. Schedules are read in their own.`}
        />
        <RadioField form={form} name="theme" label="Theme, in this browser" choices={THEMES} required />
      </Form>
    </>
  );
}

function OwnPassword({
  frame,
  form,
  leastPassword,
  hasSecondFactor,
  links,
}: {
  readonly frame: Frame;
  readonly form: FormState;
  readonly leastPassword: number;
  readonly hasSecondFactor: boolean;
  readonly links: readonly LinkItem[];
}) {
  return (
    <>
      <h2>Second factor</h2>
      <p>
        {hasSecondFactor
          ? 'After your password you are asked for a code of your authenticator app.'
          : 'Your password alone signs you in. A code of an authenticator app beside it keeps out whoever learns it.'}
      </p>
      <div class="actions">
        <a class="button outline" href="/account/second-factor">
          {hasSecondFactor ? 'Recovery codes, or turn it off' : 'Set up a second factor'}
        </a>
      </div>
      <h2>Change password</h2>
      <p>Afterwards every session of this account ends, this one too.</p>
      {links.length > 0 && (
        <p>
          The {links.length === 1 ? 'link' : 'links'} to single sign-on stay
          {links.length === 1 ? 's' : ''}:{' '}
          {links.map(({ email, issuer }) => `${email ?? 'a person'} of ${issuer}`).join(', ')}. Unlink above
          what is not yours.
        </p>
      )}
      <Form action="/account/password" form={form} submit="Change password">
        {/* For password managers, which file a new password under a user name. */}
        <input type="text" autocomplete="username" value={frame.user.email} readonly hidden />
        <TextField
          form={form}
          name="currentPassword"
          label="Current password"
          type="password"
          autocomplete="current-password"
          required
        />
        <NewPasswordField form={form} name="newPassword" label="New password" least={leastPassword} />
      </Form>
    </>
  );
}

/** The provider's business, but for an admin's gift. */
function WithoutPassword({ message }: { readonly message: string | null }) {
  return (
    <>
      <h2>Password and second factor</h2>
      {message !== null && <Notice tone="error">{message}</Notice>}
      <p>
        This account has no password here: it signs in by single sign-on, and its password and second factor
        are its provider’s. An admin can give it a password under Users.
      </p>
    </>
  );
}

function OwnTokens({ tokens, more }: { readonly tokens: readonly TokenItem[]; readonly more: number }) {
  return (
    <>
      <h2>API tokens</h2>
      <p>Scripts and pipelines sign in with a token of yours. It never may more than you.</p>
      {tokens.length > 0 && <TokenTable tokens={tokens} path="/account" />}
      {more > 0 && <p class="muted">And {more} more that have ended.</p>}
      <div class="actions">
        <a class="button outline" href="/account/tokens/new">
          New token
        </a>
      </div>
    </>
  );
}
