import type { Child } from 'hono/jsx';

export interface Moment {
  readonly id: string;
  /** When, as people read it: `0.4 s`, `02:00`. */
  readonly at: Child;
  readonly text: Child;
}

/** What happened when, in order. */
export function Timeline({
  label,
  moments,
}: {
  readonly label: string;
  readonly moments: readonly Moment[];
}) {
  return (
    <ol class="timeline" aria-label={label}>
      {moments.map(({ id, at, text }) => (
        <li key={id}>
          <span class="timeline-at">{at}</span>
          <div>{text}</div>
        </li>
      ))}
    </ol>
  );
}
