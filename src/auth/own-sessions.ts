import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { Page } from '../page.ts';
import type { SessionContext } from './context.ts';
import type { SessionKind } from './sessions.ts';
import { auditedUser } from './users.ts';

/** A session as people see it: nothing in it opens anything. */
export interface ListedSession {
  readonly id: string;
  /** `ui`: a browser; `api`: whoever signed in by the API. */
  readonly kind: SessionKind;
  readonly createdAt: string;
  /** To the minute; null until it was used. */
  readonly lastUsedAt: string | null;
  /** Whatever is done with it until then. */
  readonly expiresAt: string;
  /** Where it was begun; null where that is not known. */
  readonly address: string | null;
  /** What the browser or client called itself then, as it said. */
  readonly agent: string | null;
}

/** Sessions that the API lists. A script that signs in each time has thousands. */
export const MOST_SESSIONS = 100;

/** A page of the sessions of a user that are not over, those used last first; `total` counts those too that are not listed. */
export async function listSessions(
  { db, now, config: { sessionIdleMs } }: Pick<SessionContext, 'db' | 'now' | 'config'>,
  userId: string,
  page: Page = { limit: MOST_SESSIONS, offset: 0 },
): Promise<{ readonly sessions: readonly ListedSession[]; readonly total: number }> {
  const at = now();
  const rows = await db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('expires_at', '>', at.toISOString())
    .execute();
  const usedAt = (row: (typeof rows)[number]) => row.last_used_at ?? row.created_at;
  const open = rows
    .filter((row) => sessionIdleMs === null || at.getTime() - Date.parse(usedAt(row)) < sessionIdleMs)
    .sort((a, b) => Number(usedAt(a) < usedAt(b)) - Number(usedAt(a) > usedAt(b)) || (a.id < b.id ? -1 : 1));
  const sessions = open.slice(page.offset, page.offset + page.limit).map((row) => ({
    id: row.id,
    kind: row.kind,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    address: row.address,
    agent: row.agent,
  }));
  return { sessions, total: open.length };
}

/** Ends one session of that user. Throws `not_found` for one that is not theirs, or over and cleared away. */
export async function endOneSession(
  { db, now }: Context,
  actor: Actor,
  { userId, sessionId }: { readonly userId: string; readonly sessionId: string },
): Promise<void> {
  await write(db, async (trx) => {
    const user = await trx
      .selectFrom('users')
      .select(['id', 'email'])
      .where('id', '=', userId)
      .executeTakeFirst();
    const ended = await trx
      .deleteFrom('sessions')
      .where('id', '=', sessionId)
      .where('user_id', '=', userId)
      .returning(['kind', 'created_at'])
      .executeTakeFirst();
    if (user === undefined || ended === undefined) throw new AppError('not_found', 'Session not found');
    const details = {
      by: ended.kind === 'ui' ? 'page' : 'api',
      startedAt: ended.created_at,
      ended: 'from the list',
    };
    await recordAudit(trx, actor, auditedUser('sign_out', user, { details }), now());
  });
}
