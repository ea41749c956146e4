import type { Child } from 'hono/jsx';

/** Once a second while something runs, else to notice what somebody else has begun. */
const BUSY = 'every 1s';
const IDLE = 'every 15s';

/**
 * A part of a page that asks for itself again; the answer is the same component. It is morphed into place, so that the
 * focus, open dialogs and what is typed stay: give what moves an id. What had the focus and is gone leaves it to the part. The script `ui.js` keeps it from asking in a hidden
 * tab, and says so where no answer comes for five seconds: beside one that asks seldom it asks whether the app is there,
 * which does not count while a part waits for its own answer.
 */
export function LiveRegion(props: {
  readonly id: string;
  readonly url: string;
  readonly isBusy: boolean;
  /** What a screen reader is told when it changes: the step, not each number. */
  readonly status: string;
  /** Over the page's title while something runs, such as `64 % · shop`. */
  readonly title?: string;
  readonly children?: Child;
}) {
  return (
    <div
      id={props.id}
      class="live-region"
      data-live="true"
      data-title={props.title}
      tabindex={-1}
      hx-get={props.url}
      hx-trigger={props.isBusy ? BUSY : IDLE}
      hx-swap="outerMorph"
    >
      <p class="visually-hidden" role="status" id={`${props.id}-status`}>
        {props.status}
      </p>
      <p class="live-lost" id={`${props.id}-lost`} hx-morph-skip="true" />
      {props.children}
    </div>
  );
}

/**
 * In the place of one whose thing has ended, until the part of the page around it is there anew. Where that did not come, it asks
 * again, seldom.
 */
export function Ended({ id, url }: { readonly id: string; readonly url: string }) {
  return <LiveRegion id={id} url={url} isBusy={false} status="It has ended." />;
}
