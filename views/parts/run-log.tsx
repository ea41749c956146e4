import { formatExact } from './format-time.ts';
import { Group } from './group.tsx';
import { useReader } from './reader.ts';

export interface RunLogItem {
  readonly at: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details: string;
}

/** Of `2026-11-28 23:10:34 Europe/Berlin`. */
const TO_THE_SECOND = 19;

/** What a run has said, in order. It is a tab stop, for where it scrolls. */
export function RunLog({ lines }: { readonly lines: readonly RunLogItem[] }) {
  const zone = useReader()?.zone ?? 'UTC';
  if (lines.length === 0) return <p class="field-help">Nothing is kept of what this run said.</p>;
  return (
    <Group class="run-log" label="Log of this run" isScrolled>
      <ol>
        {lines.map((line) => (
          <li key={`${line.at}${line.message}`} class={`log-${line.level}`}>
            <time datetime={line.at}>{formatExact(line.at, zone).slice(0, TO_THE_SECOND)}</time>{' '}
            <span>{line.message}</span>
            {line.details !== '' && <code>{line.details}</code>}
          </li>
        ))}
      </ol>
    </Group>
  );
}
