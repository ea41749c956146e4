import type { BackupStory } from '../../src/backups/backup-story.ts';
import { Ago } from '../parts/ago.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { PostButton } from '../parts/form.tsx';
import { formatDuration } from '../parts/format.ts';
import { LiveRegion } from '../parts/live-region.tsx';
import type { Proof } from '../parts/proof-list.tsx';

export type Reading = 'pending' | 'running';

/** Only what was looked at: what is not built yet is no line. `reading`: whether it is to be read in full just now. */
export function proofsOf(
  story: BackupStory,
  { mayChange, reading }: { readonly mayChange: boolean; readonly reading: Reading | null },
): readonly Proof[] {
  const { backup, where, byHand } = story;
  const bytes = Number(backup.size).toLocaleString('en-GB');
  const place = where?.kind === 'host' ? 'in the file' : 'in the bucket';
  // What was so when it was made may be no more: the object may be gone.
  const isDamaged = backup.verification === 'failed';
  const proof = byHand?.endProof;
  return [
    {
      id: 'end',
      state: 'proven',
      text: `The dump ended with status 0${proof === undefined ? '' : `, and its end was seen: ${proof}`}.`,
    },
    {
      id: 'bytes',
      state: 'proven',
      text: isDamaged
        ? `When it was made, all ${bytes} bytes that were sent were ${place}.`
        : `All ${bytes} bytes that were sent are ${place}.`,
    },
    {
      id: 'read-back',
      state: 'proven',
      text: (
        <>
          Its size, its first and its last byte were read back from where it lies,{' '}
          <Ago at={backup.completed_at} />.
        </>
      ),
    },
    backup.sha256 === null
      ? { id: 'sha256', state: 'open', text: 'Its SHA-256 is not known.' }
      : {
          id: 'sha256',
          state: 'proven',
          text: (
            <>
              SHA-256 of the file {isDamaged ? 'as it was sent' : 'that is stored'}
              <CopyBlock id="sha256" text={backup.sha256} label="SHA-256" />
            </>
          ),
        },
    reading === null
      ? readInFull(story, mayChange)
      : { id: 'full', state: 'open', text: <ReadingInFull backupId={backup.id} reading={reading} /> },
    restored(story, mayChange),
  ];
}

function restored({ backup }: BackupStory, mayChange: boolean): Proof {
  const again = mayChange ? (
    <PostButton action={`/backups/${backup.id}/drill`} label="Restore it in a drill now" kind="link" />
  ) : null;
  if (backup.restored_proven_at === null) {
    return { id: 'restored', state: 'open', text: <>Not restored and compared yet. {again}</> };
  }
  const ms = backup.restored_ms;
  return {
    id: 'restored',
    state: 'proven',
    text: (
      <>
        Restored{ms === null ? '' : ` in ${formatDuration(Math.max(1, Number(ms) / 1000))}`}, and had the
        tables and rows of the dump, <Ago at={backup.restored_proven_at} />. {again}
      </>
    ),
  };
}

/** Asks for itself while it waits or runs; then the page is loaded anew, and says what came of it. */
export function ReadingInFull(props: { readonly backupId: string; readonly reading: Reading }) {
  const words =
    props.reading === 'running'
      ? 'It is being read in full, from its first byte to its last.'
      : 'It waits for its turn to be read in full.';
  return (
    <LiveRegion id="reading" url={`/backups/${props.backupId}/reading`} isBusy status={words}>
      {words} What comes of it is shown here.
    </LiveRegion>
  );
}

function readInFull({ backup, usual }: BackupStory, mayChange: boolean): Proof {
  if (backup.verification === 'failed') {
    return {
      id: 'full',
      state: 'broken',
      text: (
        <>
          Reading it in full found it damaged, <Ago at={backup.verified_at} />.
        </>
      ),
    };
  }
  const speed = usual.readBytesPerSecond;
  const about = speed === null ? '' : ` About ${formatDuration(Math.max(1, Number(backup.size) / speed))}.`;
  const again = mayChange ? (
    <>
      <PostButton action={`/backups/${backup.id}/verify`} label="Read it in full now" kind="link" />
      {about}
    </>
  ) : null;
  if (backup.parsed_proven_at === null) {
    return { id: 'full', state: 'open', text: <>Not read in full yet. {again}</> };
  }
  return {
    id: 'full',
    state: 'proven',
    text: (
      <>
        Read in full to the end of the dump
        {backup.bytes_proven_at === null ? '' : ', and each byte is as it was sent'},{' '}
        <Ago at={backup.parsed_proven_at} />. {again}
      </>
    ),
  };
}
