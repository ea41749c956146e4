import { Badge } from '../parts/badge.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { Group } from '../parts/group.tsx';
import { Panel } from '../parts/panel.tsx';
import type { TriedView } from './reference.ts';

/** What came back, and the same request as a command. */
export function TriedAnswer({
  answer,
  command,
  fetches,
}: {
  readonly answer: TriedView;
  readonly command: string;
  /** Of the file that the answer has a link to; null: of none. */
  readonly fetches: string | null;
}) {
  const { status, statusText, tookMs, headers, body, note } = answer;
  const isGood = status !== null && status < 300;
  return (
    <Panel title="What came back" id="answer">
      <p role="status">
        <Badge tone={isGood ? 'success' : 'error'} text={`${status ?? ''} ${statusText}`.trim()} /> after{' '}
        {tookMs} ms
      </p>
      {body !== '' && (
        <Group class="answer-body" label="Body of the answer" isScrolled>
          <pre>
            <code>{body}</code>
          </pre>
        </Group>
      )}
      {note !== null && <p>{note}</p>}
      {headers.length > 0 && (
        <details class="shape">
          <summary>Headers</summary>
          <Group class="answer-body" label="Headers of the answer" isScrolled>
            <pre>
              <code>{headers.map(([name, value]) => `${name}: ${value}`).join('\n')}</code>
            </pre>
          </Group>
        </details>
      )}
      <p>The same by curl, with the token in the variable TOKEN and what is secret in the body left blank:</p>
      <CopyBlock id="curl-line" text={command} label="The request as a command" />
      {fetches !== null && (
        <>
          <p>The file itself, while the link is valid; it needs no token:</p>
          <CopyBlock id="fetch-line" text={fetches} label="The download as a command" />
        </>
      )}
    </Panel>
  );
}
