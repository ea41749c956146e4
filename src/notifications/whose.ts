import { hasRole } from '../auth/roles.ts';
import type { EventRow } from '../db/schema.ts';
import type { Person } from './preferences.ts';

/** Whether it is told to that user: of a token to whose it is, and of a service account's to admins. */
export function isConcerned(row: Pick<EventRow, 'type' | 'data'>, { id, role }: Person): boolean {
  if (row.type !== 'token.ending') return true;
  const userId = ownerOf(row);
  return userId === null ? hasRole(role, 'admin') : userId === id;
}

/** What is one user's own is told on no channel. */
export function isOneUsersOwn(row: Pick<EventRow, 'type' | 'data'>): boolean {
  return row.type === 'token.ending' && ownerOf(row) !== null;
}

/** As `token.ending` was recorded. */
const ownerOf = ({ data }: Pick<EventRow, 'data'>): string | null => JSON.parse(data).userId;
