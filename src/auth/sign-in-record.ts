import { recordAudit } from '../audit/audit.ts';
import type { Db, Trx } from '../db/schema.ts';
import type { Log } from '../log.ts';
import type { Origin } from './known-places.ts';
import type { SessionKind } from './sessions.ts';
import { auditedUser } from './users.ts';

/** Somebody at the door. */
export interface SignInAttempt {
  /** Null for a name that nobody has, which is written nowhere: people type their password there by mistake. */
  readonly user: { readonly id: string; readonly email: string } | null;
  readonly kind: SessionKind;
  readonly from: Origin;
  /** What was shown last: a code, or a recovery code, comes after the password. */
  readonly factor?: 'password' | 'code' | 'recovery code' | 'single sign-on';
  /** By single sign-on: why it was none, in words that may be shown. */
  readonly why?: string;
}

/** `sign_in_halfway`: the password was right, and a code is asked for, which the person has or has not. */
export type SignInOutcome = 'sign_in' | 'sign_in_halfway' | 'sign_in_failed' | 'sign_in_refused';

/** For each account, and for all names that nobody has together: a flood fills no disk and hides no sign-in. */
const ROWS_PER_HOUR: Readonly<Record<SignInOutcome, number>> = {
  sign_in: 100,
  sign_in_halfway: 20,
  sign_in_failed: 20,
  sign_in_refused: 5,
};

const ERRORS = {
  password: {
    sign_in: undefined,
    sign_in_halfway: undefined,
    sign_in_failed: 'Wrong email or password',
    sign_in_refused: 'Too many wrong passwords before',
  },
  code: {
    sign_in: undefined,
    sign_in_halfway: undefined,
    sign_in_failed: 'Wrong code after the right password',
    sign_in_refused: 'Too many wrong codes before',
  },
} as const;

/** Writes a row of the audit, unless the last hour has enough of them. The log has every attempt (`logSignIn`). */
export async function auditSignIn(
  trx: Trx,
  attempt: SignInAttempt,
  outcome: SignInOutcome,
  now: Date,
): Promise<void> {
  const { user, kind, from, factor = 'password', why } = attempt;
  if (await isFull(trx, outcome, user?.id ?? null, now)) return;
  await recordAudit(
    trx,
    {
      userId: outcome === 'sign_in' ? (user?.id ?? null) : null,
      address: from.address,
      requestId: from.requestId ?? null,
    },
    auditedUser(outcome, user, {
      details: { by: kind === 'ui' ? 'page' : 'api', factor },
      error:
        outcome === 'sign_in'
          ? undefined
          : (why ?? ERRORS[factor === 'password' ? 'password' : 'code'][outcome]),
    }),
    now,
  );
}

/** To be called after the transaction, which may run several times. */
export function logSignIn(
  { log }: { readonly log: Log },
  attempt: SignInAttempt,
  outcome: SignInOutcome,
): void {
  log.info(MESSAGES[outcome], {
    email: attempt.user?.email ?? null,
    by: attempt.kind === 'ui' ? 'page' : 'api',
    ...(attempt.factor === undefined || attempt.factor === 'password' ? {} : { factor: attempt.factor }),
    ...(attempt.why === undefined ? {} : { reason: attempt.why }),
    address: attempt.from.address,
  });
}

const MESSAGES = {
  sign_in: 'signed in',
  sign_in_halfway: 'the password was right, and a code is asked for',
  sign_in_failed: 'a sign-in failed',
  sign_in_refused: 'a sign-in was refused for a while',
} as const;

async function isFull(db: Db, action: SignInOutcome, userId: string | null, now: Date): Promise<boolean> {
  const rows = await db
    .selectFrom('audit_logs')
    .select('id')
    .where('created_at', '>', new Date(now.getTime() - 3_600_000).toISOString())
    .where('action', '=', action)
    .where('resource_id', userId === null ? 'is' : '=', userId)
    .limit(ROWS_PER_HOUR[action])
    .execute();
  return rows.length === ROWS_PER_HOUR[action];
}
