import { formatExact } from './format-time.ts';
import { Group } from './group.tsx';
import { useReader } from './reader.ts';
import { bytesInPage, lastWithin } from './room.ts';

export interface RunLogItem {
  readonly at: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details: string;
}

/** Of `2026-11-28 23:10:34 Europe/Berlin`. */
const TO_THE_SECOND = 19;

/** Of a line, what is there without its words. */
const LINE_BYTES = 130;

/**
 * What a run has said, in order: the last of it that finds `room`, `most` lines at most, with the way to what it leaves out. It
 * is a tab stop, for where it scrolls.
 */
export function RunLog(props: {
  readonly lines: readonly RunLogItem[];
  /** Bytes of the page. */
  readonly room: number;
  readonly most: number;
  /** Where all of it is. */
  readonly all: { readonly href: string; readonly label: string };
}) {
  const { all } = props;
  if (props.lines.length === 0) return <p class="field-help">Nothing is kept of what this run said.</p>;
  const lines = lastWithin(props.lines, { ...props, bytesOf });
  const before = props.lines.length - lines.length;
  return (
    <>
      {before > 0 && (
        <p class="field-help">
          {lines.length === 0 ? `Its ${before} lines are` : `The ${before} lines before these are`} left out
          here. <a href={all.href}>{all.label}</a>
        </p>
      )}
      {lines.length > 0 && <Lines lines={lines} />}
    </>
  );
}

const bytesOf = ({ message, details }: RunLogItem) =>
  LINE_BYTES + bytesInPage(message) + bytesInPage(details);

function Lines({ lines }: { readonly lines: readonly RunLogItem[] }) {
  const zone = useReader()?.zone ?? 'UTC';
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
