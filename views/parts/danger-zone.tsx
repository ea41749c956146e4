import type { Child } from 'hono/jsx';

/** What can't be undone, at the end of a page and out of sight on arrival. Plain words; red only in the dialog. */
export function DangerZone({ children }: { readonly children?: Child }) {
  return (
    <section class="danger-zone" aria-label="Danger zone">
      <h2>Danger zone</h2>
      {children}
    </section>
  );
}
