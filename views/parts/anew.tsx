import type { Child } from 'hono/jsx';

/** Of the frame, what a page of its own may have changed: the counts of the menu. */
const COUNTS = '#news-elsewhere,#news-databases,#news-runs,#news-notifications';

/**
 * A part of a page that is loaded again from the page itself, by `path`, as soon as what it tells of has begun or ended: a live
 * region beside it gives the event. Nothing is asked for while nothing happens. It is morphed into place, so that the focus and
 * what is open stay; the page's dialog lies outside of it.
 */
export function Anew(props: {
  readonly id: string;
  readonly path: string;
  /** `runs-ended`: at an end alone, and seldom, for what costs more. */
  readonly on?: 'backups-changed' | 'runs-ended';
  /** Parts of the page outside of it that change with it, as selectors. */
  readonly beside?: readonly string[];
  readonly children?: Child;
}) {
  const { id, path, on = 'backups-changed', beside = [] } = props;
  return (
    <div
      id={id}
      hx-get={path}
      hx-trigger={`${on} from:body${on === 'runs-ended' ? ' throttle:5s' : ''}`}
      hx-select={`#${id}`}
      hx-select-oob={[COUNTS, ...beside].join(',')}
      hx-swap="outerMorph"
    >
      {props.children}
    </div>
  );
}
