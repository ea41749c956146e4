import { AppError } from '../errors.ts';

const MOST_BYTES = 63;
const MOST_TRIES = 9;

/** What an engine knows by a name: a path, or what a server takes for one, which may begin with / as well. */
export interface NamedThing {
  readonly isFile: boolean;
  readonly name: string;
}

/** What a restore makes where nobody says: `<database>_restored_<day>`, or `<file>.restored-<day>` beside the file. */
export function proposedName(
  of: { readonly isFile: boolean; readonly databaseName: string | null; readonly filePath: string | null },
  now: Date,
): string {
  const day = now.toISOString().slice(0, 10).replaceAll('-', '');
  if (of.isFile) {
    if (of.filePath !== null && of.filePath !== '') return `${of.filePath}.restored-${day}`;
  } else if (of.databaseName !== null && of.databaseName !== '') {
    return withEnding(of.databaseName, `_restored_${day}`);
  }
  throw new AppError('invalid', 'The name of what is to be made is missing. Enter one.', {
    details: { field: 'newName' },
  });
}

/** What is there is called so once it was replaced, such as `shop_before_20261129174233`, or `app.db.before-20261129174233`. */
export function keptName({ isFile, name }: NamedThing, now: Date): string {
  const instant = now.toISOString().slice(0, 19).replaceAll(/\D/g, '');
  return isFile ? `${name}.before-${instant}` : withEnding(name, `_before_${instant}`);
}

/** The next one where that is taken, such as `shop_restored_20261129_2`; undefined where enough were tried. */
export function nextName({ isFile, name }: NamedThing, tries: number): string | undefined {
  if (tries > MOST_TRIES) return undefined;
  return isFile ? `${name}-${tries}` : withEnding(name, `_${tries}`);
}

/** Cut to what a server takes, between characters. */
function withEnding(name: string, ending: string): string {
  const characters = [...name];
  while (new TextEncoder().encode(characters.join('') + ending).length > MOST_BYTES) characters.pop();
  return characters.join('') + ending;
}
