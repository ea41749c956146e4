import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';

/** A token that somebody showed: whose it is, or why it opens nothing. */
export interface ShownToken {
  /** Null for one that is not known, or was revoked. */
  readonly id: string | null;
  readonly name: string | null;
  readonly prefix: string;
  readonly userId: string | null;
  readonly serviceAccountId: string | null;
}

/** Where it was shown. */
export interface ShownFrom {
  readonly address: string | null;
  readonly requestId: string | null;
}

export interface TokenNotes {
  used(token: ShownToken, from: ShownFrom): Promise<void>;
  refused(token: ShownToken, from: ShownFrom, why: string): Promise<void>;
}

const HOUR_MS = 3_600_000;
/** Of an hour: a flood fills no disk. */
const MOST_ADDRESSES = 100;
const MOST_REFUSALS = 20;
/** What this process remembers of the hour; it asks the database where it does not. */
const MOST_REMEMBERED = 10_000;

/**
 * Notes in the audit that a token is used, once an hour for each address, and that one was refused, so many times an hour for each
 * token and for all that nobody knows together. What is done by a token is noted with it anyway. Whatever becomes of a note, it
 * keeps nobody from working: on a full disk, backups must be had all the more.
 */
export function createTokenNotes(context: Context & { readonly log: Log }): TokenNotes {
  const { db, now, log } = context;
  const remembered = new Map<string, { since: number; count: number }>();

  /** Whether this was noted so often in this hour; counts it. */
  function isFull(key: string, most: number): boolean {
    const at = now().getTime();
    const known = remembered.get(key);
    if (known !== undefined && at >= known.since && at - known.since < HOUR_MS) {
      if (known.count >= most) return true;
      known.count += 1;
      return false;
    }
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(key, { since: at, count: 1 });
    return false;
  }

  async function note(action: 'use' | 'refused', token: ShownToken, from: ShownFrom, error?: string) {
    const at = now();
    const rows = await db
      .selectFrom('audit_logs')
      .select('address')
      .where('created_at', '>', new Date(at.getTime() - HOUR_MS).toISOString())
      .where('action', '=', action)
      .where('resource_id', token.id === null ? 'is' : '=', token.id)
      .limit(action === 'use' ? MOST_ADDRESSES : MOST_REFUSALS)
      .execute();
    const isNoted =
      action === 'use'
        ? rows.length === MOST_ADDRESSES || rows.some(({ address }) => address === from.address)
        : rows.length === MOST_REFUSALS;
    if (isNoted) return;
    const { id, name, prefix, userId, serviceAccountId } = token;
    const actor: Actor = {
      ...from,
      // Whoever shows a token that opens nothing is nobody.
      userId: action === 'use' ? userId : null,
      token: id === null || action === 'refused' ? null : { id, prefix, serviceAccountId },
    };
    const details = action === 'refused' ? { tokenPrefix: prefix } : {};
    const entry = auditEntry('api_token', action, { id, name }, { details, error });
    await write(db, (trx) => recordAudit(trx, actor, entry, at), { patienceMs: 0 });
  }

  async function tryNote(key: string, noting: () => Promise<void>): Promise<void> {
    try {
      await noting();
    } catch (error) {
      if (!isAppError(error, 'unavailable')) throw error;
      remembered.delete(key);
      log.warn('the use of a token could not be audited', { error });
    }
  }

  return {
    async used(token, from) {
      const key = `use ${token.id} ${from.address}`;
      if (isFull(key, 1)) return;
      await tryNote(key, () => note('use', token, from));
    },
    async refused(token, from, why) {
      const key = `refused ${token.id}`;
      if (isFull(key, MOST_REFUSALS)) return;
      await tryNote(key, () => note('refused', token, from, why));
    },
  };
}
