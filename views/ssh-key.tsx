import { Confirm } from './parts/confirm.tsx';
import { CopyBlock } from './parts/copy-block.tsx';
import { PostButton } from './parts/form.tsx';
import { Notice } from './parts/notice.tsx';

/** The half of an environment's SSH key that is no secret. */
export interface PublicKeyShown {
  readonly authorizedKeysLine: string;
  readonly fingerprint: string;
  readonly username: string;
}

/** What is known of an environment's key; both null where there is none. */
export interface KeyShown {
  readonly key: PublicKeyShown | null;
  /** Why a key that is stored can't be read. */
  readonly problem: string | null;
}

/** The line that lets the app in on a host, to be copied. `user` is whom it signs in as there. */
export function AuthorizedKeysLine({ line, user }: { readonly line: string; readonly user: string }) {
  return (
    <>
      <p>
        Append this line to <code>~/.ssh/authorized_keys</code> of the user <code>{user}</code> on the server.
        It lets BRIDGEPORT run commands there, and nothing else: no terminal, no tunnels.
      </p>
      <CopyBlock id="authorized-keys-line" text={line} label="Line for authorized_keys" />
    </>
  );
}

/** The line of the key that is stored, and the button that makes one. An existing key is given up only after a question. */
export function EnvironmentKey(props: {
  readonly environmentId: string;
  readonly shown: KeyShown;
  readonly isAdmin: boolean;
}) {
  const { environmentId, shown, isAdmin } = props;
  const action = `/environments/${environmentId}/settings/ssh/make`;
  return (
    <>
      {shown.problem !== null && <Notice tone="error">{shown.problem}</Notice>}
      {shown.key !== null && (
        <AuthorizedKeysLine line={shown.key.authorizedKeysLine} user={shown.key.username} />
      )}
      {isAdmin && shown.key === null && shown.problem === null && (
        <>
          <p>
            A key is made here and its private half stored encrypted: it is never shown. You get one line to
            paste on each server.
          </p>
          <div class="actions">
            <PostButton action={action} label="Make a key here" kind="primary" />
          </div>
        </>
      )}
      {isAdmin && shown.key !== null && (
        <div class="actions">
          <Confirm
            id="make-ssh-key"
            label="Make a new key here"
            title="Replace the SSH key?"
            action={action}
            submit="Replace the key"
            values={{ replaces: shown.key.fingerprint }}
          >
            <p>
              The present key <code>{shown.key.fingerprint}</code> is given up at once. No server of this
              environment lets BRIDGEPORT in, and backups fail, until its new line is in{' '}
              <code>authorized_keys</code> there.
            </p>
          </Confirm>
        </div>
      )}
    </>
  );
}
