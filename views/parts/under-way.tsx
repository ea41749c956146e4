import { LiveRegion } from './live-region.tsx';

/**
 * Whether what a page tells of goes on. While it does, it asks for itself, so that the answer can tell the page (by the event
 * `backups-changed`) that something has ended; then it says so, once, and asks no more.
 */
export function UnderWay(props: {
  readonly id: string;
  /** Where it asks; null where nothing goes on. */
  readonly url: string | null;
  /** What goes on, or (of a page that has shown it) that it has ended; empty where neither is so. */
  readonly words: string;
}) {
  const { id, url, words } = props;
  if (url !== null) {
    return (
      <LiveRegion id={id} url={url} isBusy status={words}>
        <p class="muted" aria-hidden="true">
          {words}
        </p>
      </LiveRegion>
    );
  }
  return (
    <div id={id} tabindex={-1}>
      <p class="visually-hidden" role="status" id={`${id}-status`}>
        {words}
      </p>
    </div>
  );
}
