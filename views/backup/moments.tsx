import type { BackupStory } from '../../src/backups/backup-story.ts';
import { formatBytes, formatDuration } from '../parts/format.ts';
import { formatExact } from '../parts/format-time.ts';
import type { Moment } from '../parts/timeline.tsx';

export function momentsOf(story: BackupStory, zone: string): readonly Moment[] {
  const { backup, database, steps, usual, failure } = story;
  const by = backup.trigger_name ?? backup.trigger_email;
  const moments: Moment[] = [
    {
      id: 'asked',
      at: <Exact at={backup.created_at} zone={zone} />,
      text:
        backup.type === 'scheduled' ? 'due by its schedule' : `asked for${by === null ? '' : ` by ${by}`}`,
    },
  ];
  const at = (step: string) => steps.find((one) => one.step === step)?.afterMs;
  const beside = (step: string) => usually(usual.steps.find((one) => one.step === step)?.afterMs);
  const began = at('connect');
  if (began !== undefined) {
    moments.push({
      id: 'connect',
      at: seconds(began),
      text: `began: ${database.serverName === null ? 'on this machine' : `connecting to ${database.serverName}`}`,
    });
  } else if (backup.started_at !== null) {
    moments.push({ id: 'connect', at: <Exact at={backup.started_at} zone={zone} />, text: 'began' });
  }
  const dump = at('dump');
  if (dump !== undefined)
    moments.push({ id: 'dump', at: seconds(dump), text: dumpBegan(story) + beside('dump') });
  const upload = at('upload');
  if (upload !== undefined) {
    const read = formatBytes(Number(backup.bytes_read));
    moments.push({
      id: 'upload',
      at: seconds(upload),
      text: `the dump ended with ${read}; the upload is completed${beside('upload')}`,
    });
  }
  const verify = at('verify');
  if (verify !== undefined)
    moments.push({ id: 'verify', at: seconds(verify), text: `stored; reading it back${beside('verify')}` });
  const isOver = backup.status === 'completed' || backup.status === 'failed';
  if (isOver) {
    moments.push({
      id: 'end',
      at:
        story.endedAfterMs === null ? (
          <Exact at={backup.completed_at} zone={zone} />
        ) : (
          seconds(story.endedAfterMs)
        ),
      text:
        backup.status === 'completed'
          ? `stored and read back: ${formatBytes(Number(backup.size))} as it is stored${usually(usual.endAfterMs ?? undefined)}`
          : endOf(backup.outcome, failure?.step),
    });
  }
  return moments;
}

function dumpBegan({ backup }: BackupStory): string {
  const version = backup.server_version === null ? '' : ` (version ${backup.server_version})`;
  const bytes =
    backup.estimated_bytes === null
      ? ''
      : `, of a database of about ${formatBytes(Number(backup.estimated_bytes))}`;
  return `connected${version}; the dump began${bytes}`;
}

function endOf(outcome: string | null, step: string | undefined): string {
  if (outcome === 'cancelled') return 'cancelled; what had been stored was removed';
  if (outcome === 'uncertain') return 'the storage has not said yet whether it is whole';
  return `${outcome ?? 'failed'}${step === undefined ? '' : ` at ${step}`}`;
}

/** As those before it: what took longer than ever is seen at once. */
const usually = (ms: number | undefined): string =>
  ms === undefined ? '' : ` (usually after ${seconds(ms)})`;

const seconds = (ms: number): string =>
  ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms / 1000);

/** The time of the day: the page's heading has the date. */
function Exact({ at, zone }: { readonly at: string | null; readonly zone: string }) {
  if (at === null) return <span>–</span>;
  const exact = formatExact(at, zone);
  return (
    <time datetime={at} title={exact}>
      {exact.slice('2026-11-28 '.length, '2026-11-28 23:10:34'.length)}
    </time>
  );
}
