import type { FilterSelect } from '../../../views/parts/filter-form.tsx';
import { askerName } from '../../backups/run-askers.ts';
import { type Asker, askerText, parseAsker } from '../../runs/askers.ts';
import type { Services } from '../../services-port.ts';

/** Who asked for runs, as addresses say it, and its name where it is one. */
export type NamedAsker = Asker & { readonly name: string | null };

/** Null where nobody is meant, or one that is no more. */
export async function askerOf({ db }: Services, by: string | null): Promise<NamedAsker | null> {
  const asker = by === null ? null : parseAsker(by);
  if (asker === null || asker.id === null) return asker === null ? null : { ...asker, name: null };
  const { kind, id } = asker;
  const name = await askerName(db, { kind, id });
  return name === undefined ? null : { kind, id, name };
}

/** Whoever is not among the kinds is chosen by its name in the list. */
export function askerSelect(chosen: NamedAsker | null, ownId: string): FilterSelect {
  const me = askerText({ kind: 'person', id: ownId });
  const value = chosen === null ? '' : askerText(chosen);
  const choices = [
    { value: '', label: 'Asked for by anyone' },
    { value: me, label: 'By me' },
    { value: 'person', label: 'By a person' },
    { value: 'token', label: 'By a token' },
    { value: 'schedule', label: 'By a schedule' },
  ];
  const isNamed = chosen !== null && chosen.name !== null && value !== me;
  const named = isNamed
    ? [{ value, label: `By ${chosen.kind === 'token' ? 'the token ' : ''}${chosen.name}` }]
    : [];
  return { name: 'by', label: 'Asked for by', value, choices: [...choices, ...named] };
}
