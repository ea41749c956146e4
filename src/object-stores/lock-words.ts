import type { ObjectLock } from './object-store.ts';

/** What is said of an object that is to be removed and may not be yet: no failure, it goes when that is over. */
export function lockWords({ until, why }: ObjectLock): string {
  const end = until === null ? 'somebody lifts it' : `${until.slice(0, 16).replace('T', ' ')} UTC`;
  return `Retained until ${end}: ${why}. It is removed after that.`;
}
