import type { Child } from 'hono/jsx';

export type Tone = 'info' | 'success' | 'warning' | 'error';

/** A message in the flow of the page. Errors interrupt a screen reader, the rest waits its turn. */
export function Notice({ tone, children }: { readonly tone: Tone; readonly children?: Child }) {
  return (
    <div class={`notice notice-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}
