import { recordAudit } from '../audit/audit.ts';
import type { Origin } from '../auth/known-places.ts';
import type { Role } from '../auth/roles.ts';
import { endSessionsOf, type SignedOn } from '../auth/sessions.ts';
import { auditedUser, normaliseEmail, toUser } from '../auth/users.ts';
import { hasOtherAdmin, NO_PASSWORD } from '../auth/ways-in.ts';
import type { OidcIdentityRow, OidcSettingsRow, Trx, UserRow } from '../db/schema.ts';
import { newId } from '../ids.ts';
import { short } from '../short-text.ts';
import { type Claimed, settingsOf } from './answer.ts';
import { OidcFailure } from './failure.ts';
import { auditedIdentity, identityOf, insertIdentity } from './identities.ts';
import { type Person, plain } from './person.ts';
import { roleOf } from './role-mapping.ts';
import { mappingOf } from './settings.ts';
import { takeState, used } from './used-states.ts';

export interface Admitted extends SignedOn {
  /** The provider gives another role, and the account keeps its own: it is the last admin. */
  readonly keepsRole: boolean;
}

export interface Refusal {
  readonly refused: OidcFailure;
  /** Whose account it is, where there is one. */
  readonly user: { readonly id: string; readonly email: string } | null;
}

interface Asked extends Claimed {
  readonly from: Origin;
}

/**
 * Whose session it becomes, by the settings as they are now: issuer and subject tell who somebody is, and never an e-mail address.
 * What a refusal writes is kept. Throws `OidcFailure` where nothing is to be: the claims can't be read, the settings were changed.
 */
export async function admit(trx: Trx, asked: Asked, now: Date): Promise<Admitted | Refusal> {
  const settings = await settingsOf(trx, asked);
  if (!(await takeState(trx, asked.stateHash, now))) return { refused: used(), user: null };
  const role = roleOf(mappingOf(settings), asked.claims);
  const identity = await identityOf(trx, asked.person);
  if (identity === undefined) return admitNew(trx, { ...asked, settings, role }, now);
  return admitKnown(trx, identity, { ...asked, role }, now);
}

async function admitKnown(
  trx: Trx,
  identity: OidcIdentityRow,
  { person, role, from }: Asked & { readonly role: Role | 'kept' | null },
  now: Date,
): Promise<Admitted | Refusal> {
  const user = await trx
    .selectFrom('users')
    .selectAll()
    .where('id', '=', identity.user_id)
    .executeTakeFirstOrThrow();
  await trx
    .updateTable('oidc_identities')
    .set({ email: person.email ?? identity.email, last_used_at: now.toISOString() })
    .where('id', '=', identity.id)
    .execute();
  // Whoever has nothing there any more is put down to the least, for the tokens' sake, which never may more than their owner.
  const wanted = role === 'kept' ? user.role : (role ?? 'viewer');
  const { row, keepsRole } = await follow(trx, user, { wanted, from, isOut: role === null }, now);
  // A last admin who is shut out shuts everybody out: whoever mends the groups has no way in either.
  if (role !== null || keepsRole) return { user: toUser(row), oidcIdentityId: identity.id, keepsRole };
  await endSessionsOf(trx, user.id);
  return { refused: withoutRole(), user: { id: user.id, email: user.email } };
}

/** Gives the account the role that the provider's values give, unless no admin would be left. */
async function follow(
  trx: Trx,
  user: UserRow,
  { wanted, from, isOut }: { readonly wanted: Role; readonly from: Origin; readonly isOut: boolean },
  now: Date,
): Promise<{ readonly row: UserRow; readonly keepsRole: boolean }> {
  if (wanted === user.role) return { row: user, keepsRole: false };
  const keepsRole = user.role === 'admin' && !(await hasOtherAdmin(trx, user.id));
  const details = {
    ...(keepsRole ? { roleKept: 'the last admin' } : { role: wanted }),
    ...{ by: 'single sign-on', given: isOut ? 'nothing' : wanted },
  };
  await recordAudit(trx, actorOf(user.id, from), auditedUser('update', user, { details }), now);
  if (keepsRole) return { row: user, keepsRole };
  const row = await trx
    .updateTable('users')
    .set({ role: wanted, updated_at: now.toISOString() })
    .where('id', '=', user.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return { row, keepsRole };
}

async function admitNew(
  trx: Trx,
  {
    person,
    claims,
    role: given,
    from,
    settings,
  }: Asked & { readonly role: Role | 'kept' | null; readonly settings: OidcSettingsRow },
  now: Date,
): Promise<Admitted | Refusal> {
  const refuse = (message: string) => ({
    refused: new OidcFailure(message),
    user: null,
  });
  if (person.email === null) return refuse(withoutEmail(claims['email']));
  const email = normaliseEmail(person.email);
  const taken = await trx.selectFrom('users').select('id').where('email', '=', email).executeTakeFirst();
  if (taken !== undefined) return refuse(unlinked(email));
  if (settings.creates_people !== 1) return refuse(UNKNOWN);
  const role = given === 'kept' ? (settings.others === 'viewer' ? 'viewer' : null) : given;
  if (role === null) return { refused: withoutRole(), user: null };
  const user = await insertPerson(trx, { ...person, email }, role, now);
  const oidcIdentityId = await insertIdentity(trx, user, person, now);
  const actor = actorOf(user.id, from);
  const details = { role, by: 'single sign-on' };
  await recordAudit(trx, actor, auditedUser('create', user, { details }), now);
  await recordAudit(trx, actor, auditedIdentity('create', user, person), now);
  return { user: toUser(user), oidcIdentityId, keepsRole: false };
}

/** Without a password: the provider alone signs this account in. */
async function insertPerson(
  trx: Trx,
  { email, name }: Person & { readonly email: string },
  role: Role,
  now: Date,
): Promise<UserRow> {
  const at = now.toISOString();
  return trx
    .insertInto('users')
    .values({
      ...{ id: newId(), email, name, role, password_hash: NO_PASSWORD },
      ...{ last_active_at: null, created_at: at, updated_at: at },
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

const actorOf = (userId: string, { address, requestId = null }: Origin) => ({ userId, address, requestId });

const withoutRole = () =>
  new OidcFailure(
    'The provider knows you, but gives you no role here. Ask whoever manages it to put you into a group that has one; an admin finds these under System > Single sign-on.',
  );
const unlinked = (email: string) =>
  `There is an account ${email} here already, and it is not linked to the provider. If it is yours, sign in with its password and link it under Account.`;
const UNKNOWN =
  'The provider knows you, but there is no account of yours here. Ask an admin to make one, sign in with its password, and link it under Account.';
const withoutEmail = (told: unknown) =>
  typeof told === 'string' && told.trim() !== ''
    ? `The provider tells “${short(plain(told), 100)}” as your e-mail address, which is none that an account here can have. Have it told there as one address, such as ada@example.com.`
    : NO_EMAIL;
const NO_EMAIL =
  'The provider tells no e-mail address of yours, which an account here needs. Have it put the claim `email` into the token, and the scope email among the scopes.';
