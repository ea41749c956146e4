import type { Child } from 'hono/jsx';

/** What is known about a thing: label and value, in order. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, Child])[] }) {
  return (
    <dl class="facts">
      {facts.map(([label, value]) => (
        <div key={label} class={isLong(value) ? 'wide' : undefined}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const LONG = 40;

/** True for text that would make a column of its own very tall. */
function isLong(value: Child): boolean {
  return typeof value === 'string' && value.length > LONG;
}
