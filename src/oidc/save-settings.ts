import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { hasAdminWithPassword, isSameIssuer } from '../auth/ways-in.ts';
import type { OidcSettingsRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { OidcContext } from './context.ts';
import { OidcFailure } from './failure.ts';
import { issuerOf } from './issuer.ts';
import type { ProviderSettings } from './provider.ts';
import { unfitRoleClaim } from './role-claims.ts';
import { hasValues } from './role-mapping.ts';
import { type OidcInput, providerOf, rowOf, type ShownOidc, shown } from './settings.ts';

/**
 * Tries the provider by what was entered, and keeps that where it answered as one. Throws `invalid` where it did not, with what it
 * said, for settings that make admins of whoever likes, or nobody anything, and where a secret would go to another issuer or client than the one that it was given for; `conflict` for
 * another issuer where no admin has a password, and where somebody else has changed the settings meanwhile.
 */
export async function saveOidc(
  context: OidcContext,
  actor: Actor,
  input: OidcInput,
  redirectUri: string,
): Promise<ShownOidc> {
  const { db, now, vault, oidc } = context;
  const typed = issuerOf(input.issuer);
  if ('wrong' in typed) throw refusal('issuer', typed.wrong);
  refuseUnfit(input);
  const before = await rowOf(db);
  const target = { issuer: typed.issuer, clientId: input.clientId.trim(), scopes: input.scopes };
  const clientSecret = await secretFor(context, before, { ...input, ...target });
  const isTested = await works(oidc.probe({ ...target, clientSecret }, redirectUri), input);
  const id = before?.id ?? newId();
  const sealed =
    clientSecret === null ? null : await vault.seal(clientSecret, SEALED.oidcClientSecret.identity(id));
  const at = laterThan(before, now());
  const values = {
    issuer: target.issuer,
    client_id: target.clientId,
    client_secret: sealed,
    scopes: input.scopes,
    name: input.name.trim(),
    role_claim: input.roleClaim.trim(),
    admin_values: JSON.stringify(input.adminValues),
    operator_values: JSON.stringify(input.operatorValues),
    viewer_values: JSON.stringify(input.viewerValues),
    others: input.others,
    creates_people: input.createsPeople ? 1 : 0,
    updated_at: at,
  };
  const { clientSecret: _, saveAnyway: __, isPublicClient: ___, ...told } = input;
  const row = await write(db, async (trx) => {
    // The provider was tried in between: what is replaced must be what it was compared with.
    const present = await rowOf(trx);
    if (present?.id !== before?.id || present?.updated_at !== before?.updated_at) throw changedMeanwhile();
    const details = { ...told, ...target, secret: secretWord(input, before), tested: isTested };
    const entry = auditEntry('oidc_settings', 'update', { id, name: target.issuer }, { details });
    await recordAudit(trx, actor, entry, now());
    if (before !== undefined && !isSameIssuer(before.issuer, target.issuer)) {
      await refuseWithoutPassword(trx, 'replaced');
      await endSignedOn(trx);
    }
    return trx
      .insertInto('oidc_settings')
      .values({ id, created_at: at, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .returningAll()
      .executeTakeFirstOrThrow();
  });
  return shown(row);
}

/** So that two changes of one millisecond differ. */
function laterThan(before: OidcSettingsRow | undefined, at: Date): string {
  return new Date(
    Math.max(at.getTime(), before === undefined ? 0 : Date.parse(before.updated_at) + 1),
  ).toISOString();
}

const changedMeanwhile = () =>
  new AppError(
    'conflict',
    'Somebody else has changed single sign-on while the provider was tried, so nothing was saved. Look at it again.',
  );

/** Tries the provider that is stored. Throws `not_found`, and `OidcFailure` with what came back. */
export async function tryOidc(context: OidcContext, redirectUri: string): Promise<void> {
  const row = await rowOf(context.db);
  if (row === undefined) throw new AppError('not_found', 'No provider is entered yet');
  await context.oidc.probe(await providerOf(context, row), redirectUri);
}

/**
 * Nobody signs in by the provider any more, and the sessions that began so end. Whom of it an account stands for is kept, for when
 * it is entered again. Throws `conflict` where no admin has a password.
 */
export async function removeOidc({ db, now }: Pick<OidcContext, 'db' | 'now'>, actor: Actor): Promise<void> {
  await write(db, async (trx) => {
    const row = await trx.deleteFrom('oidc_settings').returning(['id', 'issuer']).executeTakeFirst();
    if (row === undefined) return;
    await refuseWithoutPassword(trx, 'turned off');
    await endSignedOn(trx);
    await recordAudit(
      trx,
      actor,
      auditEntry('oidc_settings', 'delete', { id: row.id, name: row.issuer }),
      now(),
    );
  });
}

/** Whoever comes by the provider alone comes no more. */
async function refuseWithoutPassword(trx: Trx, what: string): Promise<void> {
  if (await hasAdminWithPassword(trx)) return;
  throw new AppError(
    'conflict',
    `Single sign-on was not ${what}: there is no admin with a password, and nobody could sign in to mend anything. Give an admin one under Users first.`,
  );
}

function refuseUnfit({ roleClaim, others, createsPeople, ...values }: OidcInput): void {
  const unfit = unfitRoleClaim(roleClaim);
  if (unfit !== null) throw refusal('roleClaim', unfit);
  if (!createsPeople || others !== 'refused' || hasValues({ roleClaim, others, ...values })) return;
  throw refusal(
    'others',
    'No account would be made for anybody: there are no values that give a role, and all others are refused. Enter values, let others be viewers, or untick “Make an account”.',
  );
}

/** Whoever came by a provider that is asked no more. */
async function endSignedOn(trx: Trx): Promise<void> {
  await trx.deleteFrom('sessions').where('oidc_identity_id', 'is not', null).execute();
}

async function works(probe: Promise<void>, { saveAnyway }: OidcInput): Promise<boolean> {
  try {
    await probe;
    return true;
  } catch (error) {
    if (!(error instanceof OidcFailure)) throw error;
    if (saveAnyway === true) return false;
    throw refusal(error.at ?? 'issuer', error.message);
  }
}

async function secretFor(
  context: OidcContext,
  before: OidcSettingsRow | undefined,
  input: OidcInput & Pick<ProviderSettings, 'issuer' | 'clientId'>,
): Promise<string | null> {
  if (input.isPublicClient === true) {
    if (input.clientSecret) throw refusal('isPublicClient', 'Untick this: a client secret was entered.');
    return null;
  }
  if (input.clientSecret != null && input.clientSecret !== '') return input.clientSecret;
  if (before?.client_secret == null) {
    throw refusal('clientSecret', 'Enter the client secret, or say that the client has none.');
  }
  if (!isSameIssuer(before.issuer, input.issuer) || before.client_id !== input.clientId) {
    throw refusal(
      'clientSecret',
      'Enter the client secret again: the stored one was given for another issuer or client.',
    );
  }
  return (await providerOf(context, before)).clientSecret;
}

function secretWord(input: OidcInput, before: OidcSettingsRow | undefined): string {
  if (input.isPublicClient === true) return 'none';
  if (input.clientSecret) return 'new';
  return before?.client_secret == null ? 'none' : 'kept';
}

function refusal(field: string, message: string): AppError {
  return new AppError('invalid', 'Invalid input', {
    details: { issues: [{ path: [field], message, code: 'custom' }] },
  });
}
