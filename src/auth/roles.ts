import { AppError } from '../errors.ts';

export const ROLES = ['admin', 'operator', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** True when the role may do what `least` may. */
export function hasRole(role: Role, least: Role): boolean {
  return RANK[role] >= RANK[least];
}

/** Throws `forbidden` with the contract's text where the role may less than `least`. */
export function refuseBelow(role: Role, least: Role): void {
  if (hasRole(role, least)) return;
  const who = least === 'admin' ? 'Admin' : 'Operator or admin';
  throw new AppError('forbidden', `${who} access required`);
}

/** The one of the two that may less. */
export function roleAtMost(role: Role, most: Role): Role {
  return hasRole(role, most) ? most : role;
}
