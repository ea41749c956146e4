import { ownPath } from './own-path.ts';

/** Where a form in a list leads back to: the list as it was filtered, sorted and paged, and no other place. */
export function listPath(list: string, path: string | undefined): string {
  const own = ownPath(path);
  return own === list || own.startsWith(`${list}?`) ? own : list;
}
