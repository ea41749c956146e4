import type { Child } from 'hono/jsx';

/** What a list says while there is nothing in it, with the next step as children. */
export function EmptyState({ title, children }: { readonly title: string; readonly children?: Child }) {
  return (
    <div class="empty-state">
      <p>
        <strong>{title}</strong>
      </p>
      {children}
    </div>
  );
}
