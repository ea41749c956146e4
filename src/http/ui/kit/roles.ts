import { createMiddleware } from 'hono/factory';
import { hasRole, type Role } from '../../../auth/roles.ts';
import { AppError } from '../../../errors.ts';
import type { UiEnv } from './ui-env.ts';

const REFUSALS: Readonly<Record<Role, string>> = {
  viewer: 'Sign in first.',
  operator: 'Operator or admin access required',
  admin: 'Admin access required',
};

/** Lets in whoever has at least this role; before anything is looked up or parsed. */
export function only(least: Role) {
  return createMiddleware<UiEnv>(async (c, next) => {
    if (!hasRole(c.get('session').user.role, least)) throw new AppError('forbidden', REFUSALS[least]);
    await next();
  });
}
