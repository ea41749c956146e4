import { PostButton } from './form.tsx';
import { Notice } from './notice.tsx';

/** Asks for a copy of the generated master key. */
export function MasterKeyBanner() {
  return (
    <Notice tone="warning">
      <p>
        <strong>Keep a copy of the master key.</strong> It was generated at the first start, in the file{' '}
        <code>master.key</code> of the data directory. Without it, no stored secret can be read again. Copy it
        to a safe place that is not this machine, with Docker by{' '}
        <code>docker compose cp bridgeport:/data/master.key .</code>
      </p>
      <PostButton action="/admin/master-key/confirm" label="I have copied it" />
    </Notice>
  );
}
