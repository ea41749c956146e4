import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Exact } from '../parts/ago.tsx';
import { CopyMasterKey, type KeyCopy, MasterKeyPlace } from '../parts/master-key-banner.tsx';

/** What opens every stored secret: where it lies, how it is copied, and whether it was. */
export function MasterKeyPage(props: {
  readonly frame: Frame;
  /** Made at the first start; false where MASTER_KEY or MASTER_KEY_FILE gives it. */
  readonly isGenerated: boolean;
  /** When an admin said so. */
  readonly copiedAt: string | null;
  readonly copy: KeyCopy;
}) {
  const { isGenerated, copiedAt, copy } = props;
  return (
    <Page
      frame={props.frame}
      section="system"
      title="Master key"
      back={{ href: '/admin/system', label: 'System' }}
    >
      <p>
        It opens every stored secret: passwords of databases, SSH keys, keys of storages. Without it none of
        them can be read again, whatever else was kept.
      </p>
      {isGenerated ? (
        <>
          <p>
            It was made at the first start, and lies in one file.{' '}
            {copiedAt === null ? (
              'Nobody has said yet that there is a copy of it on another machine.'
            ) : (
              <>
                That it was copied to another machine was noted at <Exact at={copiedAt} />.
              </>
            )}
          </p>
          <p class="field-help">
            <code>rotate-master-key</code>, run where BRIDGEPORT runs, puts a new one in its place and seals
            every secret anew. Then copy that one.
          </p>
          {copiedAt === null ? <CopyMasterKey {...copy} /> : <MasterKeyPlace {...copy} />}
        </>
      ) : (
        <p>
          <code>MASTER_KEY</code> or <code>MASTER_KEY_FILE</code> gives it: BRIDGEPORT keeps no copy. Keep it
          where it comes from, and once more in another place.
        </p>
      )}
    </Page>
  );
}
