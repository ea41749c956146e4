import type { Actor } from '../audit/audit.ts';
import { hasRole, type Role } from '../auth/roles.ts';
import type { ScheduleRow, Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';

/** Who changes a schedule; without a role it is the installation itself. */
export type Scheduling = Actor & { readonly role?: Role };

interface Place {
  readonly drillServerId?: string | null | undefined;
  readonly drillFolder?: string | null | undefined;
}

/**
 * Where drills are made is for admins to say: what a backup holds runs there. What is as before may be sent by anybody who may change
 * schedules. Throws `forbidden`, and `invalid` for a server that there is not.
 */
export async function checkDrillPlace(
  trx: Trx,
  actor: Scheduling,
  { drillServerId, drillFolder }: Place,
  before: ScheduleRow | null | undefined,
): Promise<void> {
  const isSame =
    (drillServerId === undefined || (drillServerId || null) === (before?.drill_server_id ?? null)) &&
    (drillFolder === undefined || drillFolder === (before?.drill_folder ?? null));
  if (isSame) return;
  if (actor.role !== undefined && !hasRole(actor.role, 'admin')) {
    throw new AppError('forbidden', 'Only admins say on which server, and in which folder, drills are made');
  }
  if (!drillServerId) return;
  const server = await trx
    .selectFrom('servers')
    .select('id')
    .where('id', '=', drillServerId)
    .executeTakeFirst();
  if (server !== undefined) return;
  const issues = [{ path: ['drillServerId'], message: 'There is no such server', code: 'custom' }];
  throw new AppError('invalid', 'Invalid input', { details: { issues } });
}
