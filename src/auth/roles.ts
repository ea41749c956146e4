export const ROLES = ['admin', 'operator', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** True when the role may do what `least` may. */
export function hasRole(role: Role, least: Role): boolean {
  return RANK[role] >= RANK[least];
}

/** The one of the two that may less. */
export function roleAtMost(role: Role, most: Role): Role {
  return hasRole(role, most) ? most : role;
}
