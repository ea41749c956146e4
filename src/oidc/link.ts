import { type Actor, recordAudit } from '../audit/audit.ts';
import type { SignInContext } from '../auth/context.ts';
import { checkOwnPassword } from '../auth/own-password.ts';
import { ownerOf } from '../auth/second-factor.ts';
import type { Trx } from '../db/schema.ts';
import { isUniqueViolation } from '../db/unique-violation.ts';
import { write } from '../db/write.ts';
import { type Answered, claimsFor, settingsOf } from './answer.ts';
import { beginSignOn } from './begin.ts';
import type { OidcContext } from './context.ts';
import { OidcFailure } from './failure.ts';
import { auditedIdentity, identityOf, insertIdentity } from './identities.ts';
import { roleOf } from './role-mapping.ts';
import { mappingOf } from './settings.ts';
import { noteTrouble } from './sign-on.ts';
import { takeState, used } from './used-states.ts';

/** Somebody signed in, and the session that the answer must come back to. */
interface Own {
  readonly userId: string;
  readonly sessionId: string;
}

/** Begins to link one's own account, with its password: a session left open must not leave a door behind. Throws as `checkOwnPassword` and `beginSignOn` do. */
export async function beginLink(
  context: OidcContext & SignInContext,
  {
    userId,
    sessionId,
    currentPassword,
    redirectUri,
  }: Own & { readonly currentPassword: string; readonly redirectUri: string },
): Promise<Awaited<ReturnType<typeof beginSignOn>>> {
  await checkOwnPassword(context, await ownerOf(context.db, userId), currentPassword);
  return beginSignOn(context, { next: '/account', link: { userId, sessionId }, redirectUri });
}

/**
 * Links the account to whom the provider has signed in. Its role is given by the provider from the next sign-in there on. Throws
 * `OidcFailure`; log and audit have it then.
 */
export async function finishLink(context: OidcContext, actor: Actor, asked: Own & Answered): Promise<void> {
  try {
    await makeLink(context, actor, asked);
  } catch (error) {
    if (!(error instanceof OidcFailure)) throw error;
    const user = await context.db
      .selectFrom('users')
      .select(['id', 'email'])
      .where('id', '=', asked.userId)
      .executeTakeFirst();
    const from = { address: actor.address, browser: null, requestId: actor.requestId ?? null };
    await noteTrouble(context, { user: user ?? null, from, why: error.message });
    throw error;
  }
}

async function makeLink(
  context: OidcContext,
  actor: Actor,
  { userId, sessionId, ...answered }: Own & Answered,
): Promise<void> {
  const { link } = answered.transaction;
  if (link === null || link.userId !== userId || link.sessionId !== sessionId)
    throw new OidcFailure(NOT_YOURS);
  const claimed = await claimsFor(context, answered);
  const { person, stateHash } = claimed;
  const make = () =>
    write(context.db, async (trx) => {
      if (!(await isOpen(trx, { userId, sessionId }, context.now()))) throw new OidcFailure(NOT_YOURS);
      if (!(await takeState(trx, stateHash, context.now()))) throw used();
      const settings = await settingsOf(trx, claimed);
      if (roleOf(mappingOf(settings), claimed.claims) === null) throw new OidcFailure(NO_ROLE);
      const known = await identityOf(trx, person);
      if (known?.user_id === userId) return;
      if (known !== undefined) throw new OidcFailure(ANOTHERS);
      const user = await trx
        .selectFrom('users')
        .select(['id', 'email'])
        .where('id', '=', userId)
        .executeTakeFirstOrThrow();
      const own = await trx
        .selectFrom('oidc_identities')
        .select('id')
        .where('user_id', '=', userId)
        .where('issuer', '=', person.issuer)
        .executeTakeFirst();
      if (own !== undefined) throw new OidcFailure(SECOND);
      await insertIdentity(trx, user, person, context.now());
      await recordAudit(trx, actor, auditedIdentity('create', user, person), context.now());
    });
  // Another link was faster: of the same person, which is there to be found now, or of this account.
  await make().catch((error: unknown) => {
    if (isUniqueViolation(error)) return make();
    throw error;
  });
}

/** The session that began it goes on: its account may have got a new password meanwhile, or be gone. */
async function isOpen(trx: Trx, { userId, sessionId }: Own, now: Date): Promise<boolean> {
  const row = await trx
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', sessionId)
    .where('user_id', '=', userId)
    .where('expires_at', '>', now.toISOString())
    .executeTakeFirst();
  return row !== undefined;
}

const NOT_YOURS =
  'This link was begun by another account or session. Begin it again under Account. Nothing was linked.';
const NO_ROLE =
  'The provider gives you no role here, so that nobody could sign in by the link. Nothing was linked. Ask whoever manages the provider to put you into a group that has one.';
const ANOTHERS =
  'This person of the provider is linked to another account here. Unlink that one first, or sign in at the provider as somebody else.';
const SECOND =
  'This account is linked to another person of the provider. Unlink it first under Account, then link it anew.';
