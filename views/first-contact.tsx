import { CopyBlock } from './parts/copy-block.tsx';
import { PostButton } from './parts/form.tsx';
import { Notice } from './parts/notice.tsx';

/** What a host presents before anybody signs in to it. */
export type SeenHostKey =
  | {
      /** `SHA256:…` */
      readonly fingerprint: string;
      /** It was pinned before, and not looked at now. */
      readonly isPinned: boolean;
      /** Another one that was shown for the same host a moment ago. */
      readonly before?: string;
      /** Why the test failed that was made a moment ago; a sentence. */
      readonly refusal?: string;
    }
  /** Why none was seen; a sentence. */
  | { readonly problem: string };

/** Prints the keys of a host on it, whichever it has. */
export const OWN_KEYS = 'cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -';

/**
 * The button that signs in for the first time. The host's key is shown before that, and that very key is the one that is pinned then; `seen`
 * null: it is still to be looked at, which it loads by itself.
 */
export function FirstContact({
  server: { id, name },
  seen,
}: {
  readonly server: { readonly id: string; readonly name: string };
  readonly seen: SeenHostKey | null;
}) {
  const key = seen !== null && 'fingerprint' in seen ? seen : null;
  const isLoading = seen === null ? { 'hx-get': `/servers/${id}/first-contact`, 'hx-trigger': 'load' } : {};
  return (
    <div id="first-contact" {...isLoading} hx-swap="outerHTML">
      {seen !== null && 'problem' in seen && <Notice tone="warning">{seen.problem}</Notice>}
      {key?.refusal !== undefined && <Notice tone="error">{key.refusal}</Notice>}
      {key?.before !== undefined && <OtherKey {...key} before={key.before} />}
      {key !== null && (
        <>
          <p>
            {key.isPinned ? 'Pinned for the host is' : 'The host presents'} the key{' '}
            <code>{key.fingerprint}</code>. If this command on it prints that, too, nobody stands in between:
          </p>
          <CopyBlock id="own-host-keys" text={OWN_KEYS} label="Command that prints the keys of the host" />
        </>
      )}
      <div class="actions">
        <PostButton
          id="first-test"
          action={`/servers/${id}/test`}
          label="Test SSH"
          accessibleLabel={`Test SSH: ${name}`}
          kind="primary"
          values={{ next: '/', ...(key === null ? {} : { shownFingerprint: key.fingerprint }) }}
        />
        <a href={`/servers/${id}#field-hostname`}>Change address or port</a>
        {seen === null && (
          <noscript>
            <a href="/?host-key=show">Show its key first</a>
          </noscript>
        )}
      </div>
    </div>
  );
}

function OtherKey({
  before,
  fingerprint,
  isPinned,
}: {
  readonly before: string;
  readonly fingerprint: string;
  readonly isPinned: boolean;
}) {
  return (
    <Notice tone="error">
      <p>
        You were shown <code>{before}</code>, now <code>{fingerprint}</code> is{' '}
        {isPinned ? 'pinned' : 'presented'}: somebody may stand in between. Nothing was sent.
      </p>
      <p>Find out first which of the two the host itself prints: the command below tells.</p>
    </Notice>
  );
}
