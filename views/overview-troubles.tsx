import type { Frame } from './frame/frame.ts';
import { Ago } from './parts/ago.tsx';
import { formatBytes } from './parts/format.ts';
import { Verdict } from './parts/verdict.tsx';

export interface TroublesProps {
  /** What keeps everything from being backed up or saved; null where nothing does. */
  readonly storageTrouble: {
    readonly at: string;
    readonly message: string;
    readonly backupId: string;
    readonly isOutOfReach: boolean;
    /** Its settings were changed since. */
    readonly isBeforeChange: boolean;
    /** Test Connection would meet it again; else the deep test alone. */
    readonly isSeenByTest: boolean;
  } | null;
  readonly diskTrouble: { readonly free: number } | null;
  /** Ways by which nobody is told anything any more. */
  readonly failingWays: readonly { readonly name: string; readonly since: string; readonly error: string }[];
}

/** Above all: what concerns every database at once. */
export function Troubles(props: TroublesProps & { readonly frame: Frame }) {
  const { frame, diskTrouble, storageTrouble, failingWays } = props;
  const [way, ...others] = failingWays;
  return (
    <>
      {diskTrouble !== null && (
        <Verdict tone="error" label="The app's disk" title="The app's own disk is nearly full">
          {formatBytes(diskTrouble.free)} are left in its data folder. When nothing can be saved any more, no
          backup runs: free some space.
        </Verdict>
      )}
      {storageTrouble !== null && (
        <Verdict
          tone={storageTrouble.isBeforeChange ? 'warning' : 'error'}
          label="Storage"
          title={titleOf(storageTrouble)}
          action={
            frame.user.isAdmin ? (
              <a class="button" href="/admin/storage">
                Look at the storage
              </a>
            ) : undefined
          }
        >
          {storageTrouble.message}{' '}
          <a href={`/backups/${storageTrouble.backupId}`}>
            The last backup that was to go there, <Ago at={storageTrouble.at} />
          </a>
          {storageTrouble.isBeforeChange &&
            `, was before its settings were changed: ${storageTrouble.isSeenByTest ? 'Test Connection' : 'the deep test'}, or the next backup, tells whether it works now.`}
        </Verdict>
      )}
      {way !== undefined && (
        <Verdict
          tone="warning"
          label="Notifications"
          title="Notifications don’t arrive"
          action={
            frame.user.isAdmin ? (
              <a class="button" href="/notifications/channels">
                Look at the channels
              </a>
            ) : undefined
          }
        >
          {way.name}, since <Ago at={way.since} />: {way.error}
          {others.length > 0 && ` ${others.length} more.`}
        </Verdict>
      )}
    </>
  );
}

function titleOf({ isOutOfReach, isBeforeChange }: NonNullable<TroublesProps['storageTrouble']>): string {
  if (isBeforeChange) return isOutOfReach ? 'The storage was out of reach' : 'The storage refused backups';
  return isOutOfReach ? 'The storage is out of reach' : 'The storage refuses backups';
}
