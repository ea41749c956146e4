import { Entrance } from './entrance.tsx';
import type { Frame } from './frame/frame.ts';
import { Page } from './frame/page.tsx';

/** A page for a request that could not be answered. `frame` is null for somebody who is not signed in. */
export function FailurePage(props: {
  readonly frame: Frame | null;
  readonly title: string;
  readonly message: string;
  /** A path of ours. */
  readonly back: string;
  readonly requestId: string | null;
}) {
  const { frame, title, message, back, requestId } = props;
  const content = (
    <>
      <p>{message}</p>
      {requestId !== null && (
        <p>
          <small>
            Request <code>{requestId}</code>: look for it in the log.
          </small>
        </p>
      )}
      <p>
        <a href={back}>{back === '/' ? 'Back to the start' : 'Back to the page before'}</a>
      </p>
    </>
  );
  if (frame === null) return <Entrance title={title}>{content}</Entrance>;
  return (
    <Page frame={frame} section={null} title={title}>
      {content}
    </Page>
  );
}
