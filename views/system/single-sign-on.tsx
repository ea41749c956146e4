import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Confirm } from '../parts/confirm.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { CheckboxField, RadioField, TextArea, TextField } from '../parts/field.tsx';
import { Form, PostButton } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Notice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';

const PAGE = '/admin/system/single-sign-on';

/** By which provider of OpenID Connect people sign in. */
export function SingleSignOnPage(props: {
  readonly frame: Frame;
  readonly stored: { readonly issuer: string; readonly name: string; readonly hasSecret: boolean } | null;
  /** To be entered at the provider. */
  readonly redirectUri: string;
  /** It is the one of PUBLIC_URL; else that of the address at which the page was opened, as the app sees it. */
  readonly isPublic: boolean;
  readonly form: FormState;
  /** What a test has just said. */
  readonly trouble: string | null;
  /** What was entered was not taken: it may be saved all the same. */
  readonly maySaveAnyway: boolean;
}) {
  const { frame, stored, form } = props;
  return (
    <Page
      frame={frame}
      section="system"
      title="Single sign-on"
      back={{ href: '/admin/system', label: 'System' }}
    >
      {props.trouble !== null && <Notice tone="error">{props.trouble}</Notice>}
      {stored === null ? (
        <p>
          People sign in by a provider of OpenID Connect, such as Keycloak, Authentik, Google or Microsoft
          Entra. Local accounts go on beside it.
        </p>
      ) : (
        <p>
          The sign-in page offers “Sign in with {stored.name}”, by <strong>{stored.issuer}</strong>. Local
          accounts go on beside it.
        </p>
      )}
      <RedirectUri uri={props.redirectUri} isPublic={props.isPublic} />
      <Form action={PAGE} form={form} submit="Test and save">
        <Provider form={form} hasSecret={stored?.hasSecret === true} />
        <Roles form={form} />
        {props.maySaveAnyway && (
          <CheckboxField form={form} name="saveAnyway" label="Save it though the test failed" />
        )}
      </Form>
      {stored !== null && (
        <div class="actions">
          <PostButton action={`${PAGE}/test`} label="Test the provider" />
          <Confirm
            id="remove-sign-on"
            label="Turn single sign-on off"
            title={`Let nobody sign in by ${stored.name} any more?`}
            action={`${PAGE}/delete`}
            submit="Turn it off"
          >
            <p>
              Sessions that began by it end. Accounts and their links stay, for when it is entered again;
              whoever has no password needs one from an admin, and their API tokens open nothing until then.
              One admin needs a password.
            </p>
          </Confirm>
        </div>
      )}
    </Page>
  );
}

function RedirectUri({ uri, isPublic }: { readonly uri: string; readonly isPublic: boolean }) {
  return (
    <>
      <p>Redirect URI, to be entered at the provider:</p>
      <CopyBlock id="redirect-uri" text={uri} label="Redirect URI" />
      {!isPublic && (
        <Notice tone="warning">
          It is that of the address at which you opened this page, as the app sees it, since the variable{' '}
          <code>PUBLIC_URL</code> is not set. If your browser’s address bar shows another one, set it, such as{' '}
          <code>PUBLIC_URL=https://backups.example.com</code>, and start the app again; or set{' '}
          <code>TRUST_PROXY</code>, and have the proxy keep the Host header. People who open another address
          are sent back there, and the provider refuses that unless it knows it, too.
        </Notice>
      )}
    </>
  );
}

function Provider({ form, hasSecret }: { readonly form: FormState; readonly hasSecret: boolean }) {
  return (
    <Panel title="Provider">
      <TextField
        form={form}
        name="issuer"
        label="Issuer"
        placeholder="https://auth.example.com/realms/main"
        help="As the provider names it. It is read before it is saved. Your own provider in a private network: name its host under System > Private hosts first."
        required
      />
      <TextField form={form} name="clientId" label="Client id" required />
      <TextField
        form={form}
        name="clientSecret"
        label="Client secret"
        type="password"
        conditional
        help={
          hasSecret
            ? 'Empty: the one that is stored, for the same issuer and client.'
            : 'Stored sealed, and not shown again.'
        }
      />
      <CheckboxField form={form} name="isPublicClient" label="The client has no secret" />
      <TextField form={form} name="scopes" label="Scopes" required />
      <TextField form={form} name="name" label="Name" help="On the button: “Sign in with …”." required />
    </Panel>
  );
}

function Roles({ form }: { readonly form: FormState }) {
  const values = (name: string, label: string) => <TextArea form={form} name={name} label={label} rows={2} />;
  return (
    <Panel title="Roles">
      <p>
        With values here, each sign-in gives the highest role that one of them stands for. Without any, roles
        stay as they are set under Users.
      </p>
      <TextField
        form={form}
        name="roleClaim"
        label="Claim with roles or groups"
        help="Its name, or a path with dots: groups; realm_access.roles (Keycloak); roles (Entra). None that people fill themselves, such as email."
        required
      />
      {values('adminValues', 'Values that make an admin, one a line')}
      {values('operatorValues', 'Values that make an operator, one a line')}
      {values('viewerValues', 'Values that make a viewer, one a line')}
      <RadioField
        form={form}
        name="others"
        label="People without any of them"
        choices={[
          { value: 'refused', label: 'are refused, and their sessions end' },
          { value: 'viewer', label: 'are viewers' },
        ]}
        required
      />
      <CheckboxField
        form={form}
        name="createsPeople"
        label="Make an account at the first sign-in"
        help="For whoever gets a role. With “are viewers” that is everybody who has an account at the provider. Unticked: an admin makes the account, and its owner links it under Account."
      />
    </Panel>
  );
}
