import type { Child } from 'hono/jsx';
import { Entrance } from '../entrance.tsx';
import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Ago } from '../parts/ago.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';
import { QrCode } from '../parts/qr-code.tsx';

/** Whose page it is. */
export interface FactorPlace {
  /** Null for whoever may do nothing else before they have set it up. */
  readonly frame: Frame | null;
  readonly email: string;
}

const TITLE = 'Second factor';

/** For an account without: what it is, and the password to begin with. */
export function BeginFactorPage({ place, form }: { readonly place: FactorPlace; readonly form: FormState }) {
  return (
    <Shell place={place}>
      <p>
        An authenticator app on your phone, or a password manager, shows a code that changes every half
        minute. You are asked for it after your password, so that the password alone opens nothing. API tokens
        go on as they are.
      </p>
      <Form action="/account/second-factor" form={form} submit="Set up">
        <PasswordField place={place} form={form} />
      </Form>
    </Shell>
  );
}

/** The one time that the secret is shown. `shown` is null where the code was refused: nothing is shown twice. */
export function ConfirmFactorPage(props: {
  readonly place: FactorPlace;
  readonly form: FormState;
  readonly shown: {
    readonly secret: string;
    readonly qr: { readonly size: number; readonly path: string };
  } | null;
}) {
  const { place, form, shown } = props;
  return (
    <Shell place={place}>
      {shown !== null && (
        <>
          <p>Scan this with your authenticator app. It is shown once.</p>
          <QrCode {...shown.qr} label="QR code of the secret, which stands below as text" />
          <p>Or type the secret into the app: time based, six digits.</p>
          <CopyBlock id="factor-secret" text={shown.secret} label="Secret of the second factor" />
        </>
      )}
      <Form action="/account/second-factor/confirm" form={form} submit="Confirm">
        <TextField
          form={form}
          name="code"
          label="Code"
          autocomplete="one-time-code"
          spellcheck={false}
          help="What the app shows now. From then on it is asked for at each sign-in, and your other sessions end."
          required
          autofocus
        />
      </Form>
      <p>
        <a href="/account/second-factor">Begin again with a new secret</a>
      </p>
    </Shell>
  );
}

/** The one time that recovery codes are shown. */
export function RecoveryCodesPage({
  place,
  codes,
}: {
  readonly place: FactorPlace;
  readonly codes: readonly string[];
}) {
  return (
    <Shell place={{ ...place, title: 'Recovery codes' }}>
      <Notice tone="success">
        Keep these codes where your phone is not: each signs you in once, in place of a code of the app. They
        are shown once; earlier ones are void.
      </Notice>
      <CopyBlock id="recovery-codes" text={codes.join('\n')} label="Recovery codes" />
      <div class="actions">
        <a class="button" href="/account">
          I have kept them
        </a>
      </div>
    </Shell>
  );
}

/** For an account that has one. */
export function FactorPage(props: {
  readonly place: FactorPlace;
  readonly since: string | null;
  readonly recoveryCodesLeft: number;
  readonly isRequired: boolean;
  readonly renew: FormState;
  readonly remove: FormState;
}) {
  const { place, renew, remove } = props;
  return (
    <Shell place={place}>
      <p>
        Your authenticator app is asked for at each sign-in, since <Ago at={props.since} />.{' '}
        {props.recoveryCodesLeft === 1
          ? 'One recovery code is'
          : `${props.recoveryCodesLeft} recovery codes are`}{' '}
        left.
      </p>
      <h2>New recovery codes</h2>
      <p>Ten new ones, shown once. Those that are left are void from then on.</p>
      <Form action="/account/second-factor/recovery-codes" form={renew} submit="Make new codes">
        <PasswordField place={place} form={renew} />
      </Form>
      <h2>Turn it off</h2>
      <p>
        {props.isRequired
          ? 'This installation requires one: afterwards you set up another, such as on a new phone, before anything else.'
          : 'Your password alone signs you in afterwards.'}
      </p>
      <Form action="/account/second-factor/remove" form={remove} submit="Turn off">
        {/* The page has two of them, and a name only once. */}
        <PasswordField place={place} form={remove} name="ownPassword" />
      </Form>
    </Shell>
  );
}

function PasswordField({
  place,
  form,
  name = 'currentPassword',
}: {
  readonly place: FactorPlace;
  readonly form: FormState;
  readonly name?: string;
}) {
  return (
    <>
      {/* For password managers, which know a password by its user name. */}
      <input type="text" autocomplete="username" value={place.email} readonly hidden />
      <TextField
        form={form}
        name={name}
        label="Your password"
        type="password"
        autocomplete="current-password"
        required
      />
    </>
  );
}

function Shell({
  place: { frame, title = TITLE },
  children,
}: {
  readonly place: FactorPlace & { readonly title?: string };
  readonly children?: Child;
}) {
  if (frame !== null) {
    const back = { href: '/account', label: 'Account' };
    return (
      <Page frame={frame} section="account" title={title} back={back}>
        {children}
      </Page>
    );
  }
  return (
    <Entrance title={title}>
      <Notice tone="info">This installation requires a second factor. Set it up, and you are in.</Notice>
      {children}
      <PostButton action="/logout" label="Sign out" kind="link" />
    </Entrance>
  );
}
