import type { Child } from 'hono/jsx';
import type { Choice } from './field.tsx';

/**
 * A form that filters a list by its address: search and drop-downs. It is sent by its button; with JavaScript as soon as
 * something is chosen, the list (`target`, an id) alone being replaced: by what was chosen last, however fast.
 */
export function FilterForm(props: {
  readonly path: string;
  readonly target: string;
  /** Null for a list that is not searched. */
  readonly search: { readonly value: string; readonly placeholder: string } | null;
  readonly selects: readonly FilterSelect[];
  /** What else the address says and the form must not lose. */
  readonly keeps: Readonly<Record<string, string>>;
  readonly children?: Child;
}) {
  const { path, target } = props;
  return (
    <search>
      <form
        class="filter"
        method="get"
        action={path}
        hx-get={path}
        hx-trigger="change, submit"
        hx-target={`#${target}`}
        hx-select={`#${target}`}
        hx-select-oob="#environment-keeps,#chosen-environment"
        hx-swap="outerHTML"
        hx-push-url="true"
        hx-sync="replace"
      >
        {Object.entries(props.keeps).map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
        {props.search !== null && (
          <input
            type="search"
            name="q"
            value={props.search.value}
            placeholder={props.search.placeholder}
            aria-label="Search"
            autocomplete="off"
            spellcheck={false}
          />
        )}
        {props.selects.map((select) => (
          <select key={select.name} name={select.name} aria-label={select.label}>
            {select.choices.map(({ value, label }) => (
              <option key={value} value={value} selected={value === select.value}>
                {label}
              </option>
            ))}
          </select>
        ))}
        <button type="submit" class="secondary outline">
          Filter
        </button>
        {props.children}
      </form>
    </search>
  );
}

export interface FilterSelect {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly choices: readonly Choice[];
}
