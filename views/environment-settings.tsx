import type { EnvironmentChoice, Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';
import { Badge } from './parts/badge.tsx';
import { Confirm } from './parts/confirm.tsx';
import { DangerZone } from './parts/danger-zone.tsx';
import { AskLink, Dialog, type Question } from './parts/dialog.tsx';
import { Facts } from './parts/facts.tsx';
import { CheckboxField, TextArea, TextField } from './parts/field.tsx';
import { Form } from './parts/form.tsx';
import type { FormState } from './parts/form-state.ts';
import { EnvironmentKey, type KeyShown } from './ssh-key.tsx';

export interface EnvironmentSettings {
  readonly environment: EnvironmentChoice;
  readonly sshKeyConfigured: boolean;
  readonly sshUser: string;
  readonly allowBackupDownload: boolean;
  readonly key: KeyShown;
}

export function EnvironmentSettingsPage(props: {
  readonly frame: Frame;
  readonly settings: EnvironmentSettings;
  readonly ssh: FormState;
  readonly data: FormState;
  readonly question: Question | null;
}) {
  const { frame, settings } = props;
  const { isAdmin } = frame.user;
  const base = `/environments/${settings.environment.id}`;
  return (
    <Page frame={frame} section="environments" title={`Settings of ${settings.environment.name}`}>
      <Dialog question={props.question} />
      <h2>SSH access</h2>
      <Facts
        facts={[
          ['SSH key', <SshKeyState configured={settings.sshKeyConfigured} />],
          ['SSH user', <code>{settings.sshUser}</code>],
        ]}
      />
      <EnvironmentKey environmentId={settings.environment.id} shown={settings.key} isAdmin={isAdmin} />
      {isAdmin && (
        <SshForm
          base={base}
          form={props.ssh}
          configured={settings.sshKeyConfigured}
          fingerprint={settings.key.key?.fingerprint ?? null}
        />
      )}
      <h2 id="downloads">Downloads</h2>
      {isAdmin ? (
        <Form action={`${base}/settings/data`} form={props.data} submit="Save downloads">
          <CheckboxField
            form={props.data}
            name="allowBackupDownload"
            label="Allow backup downloads"
            help="Everybody who may sign in can then download the backups of this environment."
          />
        </Form>
      ) : (
        <p>Backup downloads are {settings.allowBackupDownload ? 'allowed' : 'not allowed'}.</p>
      )}
      {isAdmin && (
        <DangerZone>
          <AskLink href={`${base}/settings?delete`} label="Delete environment" kind="button" />
        </DangerZone>
      )}
    </Page>
  );
}

function SshKeyState({ configured }: { configured: boolean }) {
  if (configured) return <Badge tone="success" text="configured" />;
  return <Badge tone="warning" text="not configured" />;
}

function SshForm(props: {
  base: string;
  form: FormState;
  configured: boolean;
  /** Null where it can't be read. */
  fingerprint: string | null;
}) {
  const { base, form, configured, fingerprint } = props;
  return (
    <>
      <Form action={`${base}/settings/ssh`} form={form} submit="Save SSH settings">
        <TextField
          form={form}
          name="sshUser"
          label="SSH user"
          help="For every server of the environment that has no user of its own."
          required
        />
        <TextArea
          form={form}
          name="sshPrivateKey"
          label="Private key"
          rows={6}
          secret
          required={!configured}
          placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
          help={
            configured
              ? 'Stored encrypted and never shown. Leave it blank to keep the present key.'
              : 'In OpenSSH, PEM or PKCS#8 format, without a passphrase. Stored encrypted and never shown.'
          }
        />
      </Form>
      {configured && (
        <div class="actions">
          <Confirm
            id="remove-ssh-key"
            label="Remove SSH key"
            title="Remove the SSH key?"
            action={`${base}/settings/ssh/remove`}
            submit="Remove SSH key"
            values={{ removes: fingerprint ?? '' }}
          >
            <p>No server of this environment can be reached until a new key is saved.</p>
          </Confirm>
        </div>
      )}
    </>
  );
}
