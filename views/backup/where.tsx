import type { Child } from 'hono/jsx';
import type { BackupStory, StoredWhere } from '../../src/backups/backup-story.ts';
import { Day, Exact } from '../parts/ago.tsx';
import { Facts } from '../parts/facts.tsx';
import { Panel } from '../parts/panel.tsx';

/** How long a backup is kept, and by which rule; null where that is not known. */
export type KeptFor = { readonly words: string; readonly rule: string } | null;

export function WhereItIs({ story, kept }: { readonly story: BackupStory; readonly kept: KeptFor }) {
  const { backup, where } = story;
  const facts: (readonly [string, Child])[] = [
    ...instantFacts(story),
    ...placeFacts(where),
    ['File name', <code>{backup.filename}</code>],
    ...optional('Format', [backup.format, backup.compression].filter((text) => text !== null).join(', ')),
    ...optional('Server version', backup.server_version ?? ''),
    ...optional('Dump tool version', backup.client_version ?? ''),
    ...lockFacts(story),
    ...keptFacts(story, kept),
  ];
  return (
    <Panel title={backup.status === 'completed' ? 'Where it is' : 'Where it was to go'}>
      <Facts facts={facts} />
    </Panel>
  );
}

/** To the second and with their zone, which the heading and the timeline have in titles alone. */
function instantFacts({ backup }: BackupStory): readonly (readonly [string, Child])[] {
  const { type, created_at: askedAt, completed_at: endedAt } = backup;
  const isGood = backup.status === 'completed';
  return [
    [type === 'scheduled' ? 'Due' : 'Asked for', <Exact at={askedAt} />],
    ...(endedAt === null ? [] : [[isGood ? 'Completed' : 'Ended', <Exact at={endedAt} />] as const]),
  ];
}

/** Until when the storage lets nobody remove it, as far as it has said so. */
function lockFacts({ backup }: BackupStory): readonly (readonly [string, Child])[] {
  if (backup.retained_until === null) return [];
  return [['Locked until', <Day at={backup.retained_until} />]];
}

function keptFacts({ database }: BackupStory, kept: KeptFor): readonly (readonly [string, Child])[] {
  if (kept === null) return [];
  return [
    ['Kept', kept.words],
    [
      'By the rule',
      <>
        {kept.rule} (<a href={`/databases/${database.id}/retention`}>Retention</a>)
      </>,
    ],
  ];
}

function placeFacts(where: StoredWhere | null): readonly (readonly [string, Child])[] {
  if (where === null) return [];
  if (where.kind === 'host') {
    return [
      ['On', where.serverName ?? 'the machine that BRIDGEPORT runs on'],
      ['Path', <code>{where.path}</code>],
    ];
  }
  return [
    ['Bucket', where.bucket],
    ['Key', <code>{where.key}</code>],
    ['Storage', where.region === null ? where.endpoint : `${where.endpoint}, ${where.region}`],
    ...optional('Version', where.versionId ?? ''),
  ];
}

const optional = (label: string, text: string): readonly (readonly [string, Child])[] =>
  text === '' ? [] : [[label, text]];
