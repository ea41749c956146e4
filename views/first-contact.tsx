import { CopyBlock } from './parts/copy-block.tsx';
import { PostButton } from './parts/form.tsx';
import { Notice } from './parts/notice.tsx';

/** What a host presents before anybody signs in to it. */
export type SeenHostKey =
  /** `SHA256:…` */
  | { readonly fingerprint: string }
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
  const fingerprint = seen !== null && 'fingerprint' in seen ? seen.fingerprint : null;
  const isLoading = seen === null ? { 'hx-get': `/servers/${id}/first-contact`, 'hx-trigger': 'load' } : {};
  return (
    <div id="first-contact" {...isLoading} hx-swap="outerHTML">
      {seen !== null && 'problem' in seen && <Notice tone="warning">{seen.problem}</Notice>}
      {fingerprint !== null && (
        <>
          <p>
            The host presents the key <code>{fingerprint}</code>. If this command on it prints that, too,
            nobody stands in between:
          </p>
          <CopyBlock id="own-host-keys" text={OWN_KEYS} label="Command that prints the keys of the host" />
        </>
      )}
      <div class="actions">
        <PostButton
          action={`/servers/${id}/test`}
          label="Test SSH"
          accessibleLabel={`Test SSH: ${name}`}
          kind="primary"
          values={{ next: '/', ...(fingerprint === null ? {} : { hostKey: fingerprint }) }}
        />
        <a href={`/servers/${id}`}>Its page</a>
        {seen === null && (
          <noscript>
            <a href="/?host-key=show">Show its key first</a>
          </noscript>
        )}
      </div>
    </div>
  );
}
