import { createMiddleware } from 'hono/factory';
import { type Role, refuseBelow } from '../../../auth/roles.ts';
import type { UiEnv } from './ui-env.ts';

/** Lets in whoever has at least this role; before anything is looked up or parsed. */
export function only(least: Role) {
  return createMiddleware<UiEnv>(async (c, next) => {
    refuseBelow(c.get('session').user.role, least);
    await next();
  });
}
