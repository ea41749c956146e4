import type { Child } from 'hono/jsx';
import { Document } from './frame/document.tsx';
import { TextField } from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { NewPasswordField } from './parts/new-password-field.tsx';
import { Notice } from './parts/notice.tsx';
import { ResetPasswordCommands } from './parts/reset-password.tsx';

/** A page for somebody who is not signed in. */
export function Entrance({ title, children }: { readonly title: string; readonly children?: Child }) {
  return (
    <Document title={title}>
      <main class="entrance">
        <p class="brand">
          BRIDGEPORT <span>Storage</span>
        </p>
        <article>
          <h1>{title}</h1>
          {children}
        </article>
      </main>
    </Document>
  );
}

/** Where to go afterwards, or a form that came too late and is shown again. */
const KEPT = ['next', 'lostPath', 'lostFields'] as const;

export function LoginPage({
  form,
  notice,
  signOn,
}: {
  readonly form: FormState;
  readonly notice: string | null;
  /** Another way in: what it is called, and where it begins; null for none. */
  readonly signOn: { readonly name: string; readonly href: string } | null;
}) {
  const isKnown = (form.values['email'] ?? '') !== '';
  return (
    <Entrance title="Sign in">
      {notice !== null && <Notice tone="info">{notice}</Notice>}
      <Form action="/login" form={form} submit="Sign in">
        <Kept form={form} />
        <TextField
          form={form}
          name="email"
          label="Email"
          type="email"
          autocomplete="username"
          required
          autofocus={!isKnown}
        />
        <TextField
          form={form}
          name="password"
          label="Password"
          type="password"
          autocomplete="current-password"
          required
          autofocus={isKnown}
        />
      </Form>
      {signOn !== null && <SignOn {...signOn} isLost={form.values['lostPath'] !== undefined} />}
      <details>
        <summary>Forgot your password?</summary>
        <p>Your admin can set a new one. So can whoever runs the app, on its host:</p>
        <ResetPasswordCommands />
      </details>
    </Entrance>
  );
}

/** A link, and no form: it leads to another origin, which the policy of our pages lets no form do. */
function SignOn({
  name,
  href,
  isLost,
}: {
  readonly name: string;
  readonly href: string;
  readonly isLost: boolean;
}) {
  return (
    <div class="sign-on">
      <a class="button outline" href={href}>
        Sign in with {name}
      </a>
      {isLost && <small>What you typed comes back only after signing in with a password.</small>}
    </div>
  );
}

function Kept({ form }: { readonly form: FormState }) {
  return (
    <>
      {KEPT.map((name) =>
        form.values[name] === undefined ? null : (
          <input key={name} type="hidden" name={name} value={form.values[name]} />
        ),
      )}
    </>
  );
}

/** After the right password of an account with a second factor. */
export function CodePage({ form }: { readonly form: FormState }) {
  return (
    <Entrance title="One more code">
      <Form action="/login/code" form={form} submit="Sign in">
        <Kept form={form} />
        <TextField
          form={form}
          name="code"
          label="Code"
          autocomplete="one-time-code"
          spellcheck={false}
          help="The six digits that your authenticator app shows now, or one of your recovery codes. Without either, an admin can take the second factor off."
          required
          autofocus
        />
      </Form>
      <p>
        <a href="/login">Sign in as somebody else</a>
      </p>
    </Entrance>
  );
}

/** The first admin of a new installation. */
export function SetupPage(props: {
  readonly form: FormState;
  /** Characters that a password has at least. */
  readonly leastPassword: number;
}) {
  const { form, leastPassword } = props;
  return (
    <Entrance title="Create the first admin">
      <p>This installation has no users yet. The first one is an admin.</p>
      <Form action="/setup" form={form} submit="Create admin">
        <TextField
          form={form}
          name="setupCode"
          label="Setup code"
          help="Printed in the log when the app started: only who can read the log may take this installation over."
          required
        />
        <TextField form={form} name="email" label="Email" type="email" autocomplete="username" required />
        <TextField form={form} name="name" label="Name" autocomplete="name" />
        <NewPasswordField form={form} name="password" label="Password" least={leastPassword} />
      </Form>
    </Entrance>
  );
}
