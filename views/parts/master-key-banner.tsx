import { CopyBlock } from './copy-block.tsx';
import { PostButton } from './form.tsx';
import { Notice } from './notice.tsx';

/** How the generated master key is copied from where the app runs. */
export interface KeyCopy {
  /** A command, or the path of the file where whoever reads it reaches that. */
  readonly command: string;
  readonly isCommand: boolean;
}

/** Asks for a copy of the generated master key. */
export function MasterKeyBanner(props: KeyCopy) {
  return (
    <Notice tone="warning">
      <p>
        <strong>Keep a copy of the master key.</strong> It was generated at the first start and lies in this
        file alone. Without it, no stored secret can be read again. Copy it to a safe place that is not this
        machine.
      </p>
      <CopyMasterKey {...props} />
    </Notice>
  );
}

/** What is to be copied, and the button that says it was. */
export function CopyMasterKey(copy: KeyCopy) {
  return (
    <>
      <MasterKeyPlace {...copy} />
      <PostButton action="/admin/master-key/confirm" label="I have copied it" />
    </>
  );
}

export function MasterKeyPlace({ command, isCommand }: KeyCopy) {
  return (
    <CopyBlock
      id="master-key-copy"
      text={command}
      label={isCommand ? 'Command that copies the master key' : 'Path of the master key'}
    />
  );
}
