import type { Origin } from '../auth/known-places.ts';
import { rememberPlaces } from '../auth/known-places.ts';
import type { SignedIn } from '../auth/login.ts';
import { startSignedOn } from '../auth/sessions.ts';
import { auditSignIn, logSignIn, type SignInAttempt } from '../auth/sign-in-record.ts';
import { isUniqueViolation } from '../db/unique-violation.ts';
import { write } from '../db/write.ts';
import { type Admitted, admit, type Refusal } from './admit.ts';
import { type Answered, claimsFor } from './answer.ts';
import type { OidcContext } from './context.ts';
import { OidcFailure } from './failure.ts';

export interface SignedOnPerson extends SignedIn {
  /** The provider gives another role, and the account keeps its own: it is the last admin. */
  readonly keepsRole: boolean;
}

/**
 * Signs in whoever the provider says it is: into their own account, or one that is made now, with the role that the provider's
 * values give. Throws `OidcFailure` with a sentence for the person; log and audit have it then.
 */
export async function finishSignOn(
  context: OidcContext,
  answered: Answered & { readonly from: Origin },
): Promise<SignedOnPerson> {
  const { from } = answered;
  const attempt: SignInAttempt = { user: null, kind: 'ui', from, factor: 'single sign-on' };
  let verdict: Admitted | Refusal | null = null;
  try {
    const claimed = await claimsFor(context, answered);
    const sign = () =>
      startSignedOn(context, from, async (trx, now) => {
        verdict = await admit(trx, { ...claimed, from }, now);
        if ('refused' in verdict) {
          await auditSignIn(trx, failing(attempt, verdict), 'sign_in_failed', now);
          return null;
        }
        await rememberPlaces(trx, verdict.user.id, from, now);
        await auditSignIn(trx, { ...attempt, user: verdict.user }, 'sign_in', now);
        return verdict;
      });
    // Another first sign-in of the same person was faster: then the account is there.
    const session = await sign().catch((error: unknown) => {
      if (isUniqueViolation(error)) return sign();
      throw error;
    });
    const { refused, admitted } = told(verdict);
    if (session === null) throw refused ?? new OidcFailure('Nobody was signed in. Try again.');
    logSignIn(context, { ...attempt, user: session.user }, 'sign_in');
    if (admitted?.keepsRole === true) context.log.warn(LAST_ADMIN, { email: session.user.email });
    return { ...session, keepsRole: admitted?.keepsRole ?? false };
  } catch (error) {
    if (!(error instanceof OidcFailure)) throw error;
    const { refusal } = told(verdict);
    if (refusal === null) await noteFailure(context, { ...attempt, why: error.message });
    logSignIn(context, failing(attempt, refusal ?? { refused: error, user: null }), 'sign_in_failed');
    throw error;
  }
}

const LAST_ADMIN =
  'the provider gives another role or nothing, and the account keeps its own: it is the last admin who can sign in';

/** A sign-in that failed on the way there, or a link that did: audit and log have it then. */
export async function noteTrouble(
  context: OidcContext,
  { from, user, why }: Pick<SignInAttempt, 'from' | 'user'> & { readonly why: string },
): Promise<void> {
  const attempt: SignInAttempt = { user, kind: 'ui', from, factor: 'single sign-on', why };
  await noteFailure(context, attempt);
  logSignIn(context, attempt, 'sign_in_failed');
}

/** A sign-in that failed before anybody was known: in the audit, unless the last hour has enough of them. */
async function noteFailure(context: OidcContext, attempt: SignInAttempt): Promise<void> {
  await write(context.db, (trx) => auditSignIn(trx, attempt, 'sign_in_failed', context.now()));
}

function failing(attempt: SignInAttempt, { refused, user }: Refusal): SignInAttempt {
  return { ...attempt, user, why: refused.message };
}

/** The transaction may have run several times: the last one counts. */
function told(verdict: Admitted | Refusal | null) {
  const refusal = verdict !== null && 'refused' in verdict ? verdict : null;
  const admitted = verdict !== null && !('refused' in verdict) ? verdict : null;
  return { refusal, admitted, refused: refusal?.refused ?? null };
}

/** An answer that this browser has not asked for, or too long ago. Gives the sentence for the person. */
export async function refuseStrange(context: OidcContext, from: Origin): Promise<OidcFailure> {
  await noteTrouble(context, { user: null, from, why: STRANGE });
  return new OidcFailure(STRANGE);
}

const STRANGE =
  'The answer of the provider belongs to no sign-in that this browser has begun in the last ten minutes, or came twice. Sign in from the beginning, in one browser.';
