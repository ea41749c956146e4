import type { Child } from 'hono/jsx';

export type Tone = 'info' | 'success' | 'warning' | 'error';

/**
 * A message in the flow of the page. Errors interrupt a screen reader, the rest waits its turn. `isSpoken`: another part of the page
 * says the same to it.
 */
export function Notice(props: {
  readonly tone: Tone;
  readonly isSpoken?: boolean;
  readonly children?: Child;
}) {
  const { tone, isSpoken, children } = props;
  const role = tone === 'error' ? 'alert' : 'status';
  return (
    <div class={`notice notice-${tone}`} role={isSpoken ? undefined : role}>
      {children}
    </div>
  );
}
