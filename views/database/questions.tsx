import type { WhatDepends } from '../../src/backups/remove-database.ts';
import type { Question } from '../parts/dialog.tsx';
import { formatBytes } from '../parts/format.ts';
import { NoGoodLeft } from '../parts/no-good-left.tsx';
import { Notice } from '../parts/notice.tsx';
import { TypedName } from '../parts/typed-name.tsx';

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Whether to delete a database, and what becomes of its backups. `message` says why it was refused. */
export function questionOfDatabase(
  { id, name }: { readonly id: string; readonly name: string },
  depends: WhatDepends,
  kept: readonly KeptOne[],
  message: string | null,
): Question {
  const refusal = (
    <>
      {message !== null && <Notice tone="error">{message}</Notice>}
      <StaysKept kept={kept} />
    </>
  );
  const common = {
    title: `Delete ${name}?`,
    action: `/databases/${id}/delete`,
    back: `/databases/${id}/settings`,
  };
  if (depends.backups === 0) {
    return {
      ...common,
      submit: 'Delete database',
      children: (
        <>
          {refusal}
          <p>BRIDGEPORT forgets the database; the database itself is not touched. It has no backups.</p>
        </>
      ),
    };
  }
  const all = counted(depends.backups, 'backup');
  return {
    ...common,
    submit: 'Delete database',
    children: (
      <>
        {refusal}
        {depends.isRunning && message === null && (
          <Notice tone="warning">A backup runs: cancel it or wait for its end first.</Notice>
        )}
        <p>The database itself is not touched. It has {all} here:</p>
        <ul>
          {depends.stored.map((place) => (
            <li key={place.bucket ?? ''}>
              {counted(place.backups, 'good one')}, {formatBytes(place.bytes)},{' '}
              {place.bucket === null ? 'on its server’s disk' : `in bucket ${place.bucket}`}
            </li>
          ))}
          {depends.pinned > 0 && <li>{depends.pinned} of them were to be kept for ever</li>}
        </ul>
        <fieldset>
          <legend>What becomes of its backups?</legend>
          <label>
            <input type="radio" name="files" value="delete" required />
            Delete it and its {all} ({formatBytes(depends.bytes)})
          </label>
          <label>
            <input type="radio" name="files" value="keep" required />
            Forget it, keep the files where they are
          </label>
        </fieldset>
        <TypedName name={name} isRefused={message !== null} />
      </>
    ),
  };
}

interface KeptOne {
  /** Of the restore that keeps it. */
  readonly id: string;
  readonly name: string;
}

/** The page of the database alone has told of these. */
function StaysKept({ kept }: { readonly kept: readonly KeptOne[] }) {
  if (kept.length === 0) return null;
  return (
    <Notice tone="warning">
      What restores in place have replaced stays where it is, and only admins drop it then:{' '}
      {kept.map(({ id, name }, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <a href={`/restores/${id}`}>{name}</a>
        </span>
      ))}
      . Drop first what nobody needs.
    </Notice>
  );
}

/** Whether to delete the backups that were ticked. */
export function questionOfBackups(
  { id: databaseId, name }: { readonly id: string; readonly name: string },
  selected: readonly {
    readonly id: string;
    readonly bytes: number;
    readonly isPinned: boolean;
    readonly isLastGood: boolean;
  }[],
  list: {
    readonly back: string;
    readonly keeps: Readonly<Record<string, string | undefined>>;
    readonly leavesNoGood: boolean;
  },
): Question {
  const bytes = selected.reduce((sum, one) => sum + one.bytes, 0);
  const pinned = selected.filter(({ isPinned }) => isPinned).length;
  return {
    title: `Delete ${counted(selected.length, 'backup')}?`,
    action: `/databases/${databaseId}/backups/delete`,
    submit: `Delete ${counted(selected.length, 'backup')}`,
    back: list.back,
    children: (
      <>
        <p>
          {formatBytes(bytes)} and their stored files are deleted for good.
          {pinned > 0 && ` ${pinned} of them were to be kept for ever.`}
          {list.leavesNoGood ? (
            <NoGoodLeft name={name} />
          ) : (
            selected.some(({ isLastGood }) => isLastGood) &&
            ' The newest good one that there is goes with them.'
          )}
        </p>
        {selected.map(({ id }) => (
          <input key={id} type="hidden" name="id" value={id} />
        ))}
        {Object.entries(list.keeps).map(([kept, value]) =>
          value === undefined ? null : <input key={kept} type="hidden" name={kept} value={value} />,
        )}
      </>
    ),
  };
}

/** Whether to delete the rows of all backups that failed until then, or the oldest of them where they are very many. */
export function questionOfFailed(
  databaseId: string,
  failed: {
    readonly count: number;
    readonly total: number;
    readonly through: string;
    readonly back: string;
  },
): Question {
  const { count, total, through, back } = failed;
  return {
    title: `Delete ${counted(count, 'failed backup')}?`,
    action: `/databases/${databaseId}/backups/delete-failed`,
    submit: `Delete ${counted(count, 'failed backup')}`,
    back,
    children: (
      <>
        <p>
          They left nothing to restore. When and why they failed is forgotten with them; the calendar still
          counts them.
          {total > count && ` These are the oldest ${count} of ${total}: ask again for the rest.`}
        </p>
        <input type="hidden" name="through" value={through} />
      </>
    ),
  };
}
