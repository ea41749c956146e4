import * as z from 'zod';
import { type Actor, recordAudit } from '../audit/audit.ts';
import { isPostgres } from '../db/kind.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { toBase64Url } from '../secrets/base64url.ts';
import type { SignInContext } from './context.ts';
import { type Origin, rememberPlaces } from './known-places.ts';
import type { SignedIn } from './login.ts';
import { leastPassword } from './password-rules.ts';
import { type SessionKind, startSession } from './sessions.ts';
import { auditSignIn, logSignIn, type SignInAttempt } from './sign-in-record.ts';
import { auditedUser, hasUsers, insertUser, newUserRow, toUser } from './users.ts';

const SETTING = 'setupCodeHash';

/**
 * To be called at the start. Without a user: makes the one of ADMIN_EMAIL and ADMIN_PASSWORD where they are set,
 * otherwise prints a new setup code in the log. Throws `config` for a password that is too short or too common.
 */
export async function prepareFirstAdmin(context: SignInContext): Promise<void> {
  if (await hasUsers(context.db)) return;
  const { adminEmail, adminPassword } = context.config;
  if (adminEmail !== null && adminPassword !== null) {
    await insertConfiguredAdmin(context, adminEmail, adminPassword);
    context.log.info('Made the first admin from ADMIN_EMAIL', { email: adminEmail });
    return;
  }
  const code = newSetupCode();
  await storeCodeHash(context, await hashOf(code));
  context.log.warn('No user exists yet. To register the first admin, use this setup code', {
    setupCode: code,
  });
}

export interface FirstAdmin {
  readonly email: string;
  readonly password: string;
  readonly name?: string | null | undefined;
}

/**
 * Registers the first admin and signs them in. Throws `forbidden` once a user exists, and without the setup code: a
 * request from a loopback address may as well have come through a proxy that says nothing of itself.
 */
export async function registerFirstAdmin(
  context: SignInContext,
  input: FirstAdmin & {
    readonly setupCode?: string | undefined;
    readonly kind: SessionKind;
    readonly from: Origin;
    /** Done in the same write, by the new admin. */
    readonly also?: FirstDeed;
  },
): Promise<SignedIn> {
  if (await hasUsers(context.db)) throw new AppError('forbidden', 'Registration disabled');
  if (!(await isSetupCode(context, input.setupCode))) {
    throw new AppError('forbidden', plainCode(input.setupCode ?? '') === '' ? NO_CODE : OTHER_CODE, {
      details: { setupCodeRequired: true },
    });
  }
  const { kind, from } = input;
  const user = await insertFirstAdmin(context, input, from, input.also);
  const attempt: SignInAttempt = { user, kind, from };
  const session = await startSession(context, user, kind, {
    from,
    async also(trx, now) {
      await rememberPlaces(trx, user.id, from, now);
      await auditSignIn(trx, attempt, 'sign_in', now);
    },
  });
  logSignIn(context, attempt, 'sign_in');
  return { user, ...session };
}

const NO_CODE =
  'Registering the first admin needs the setup code that the app printed in its log when it started.';
const OTHER_CODE =
  'This is not the setup code that the app printed in its log. Without any user each start prints a new one: take the last.';

async function insertConfiguredAdmin(context: SignInContext, email: string, password: string): Promise<void> {
  const least = leastPassword(context.config, 'api');
  if (password.length < least) {
    throw new AppError('config', `ADMIN_PASSWORD must have at least ${least} characters.`);
  }
  try {
    await insertFirstAdmin(context, { email, password, name: 'Admin' }, { address: null });
  } catch (error) {
    if (!isAppError(error, 'invalid')) throw error;
    throw new AppError('config', `ADMIN_PASSWORD can't be used. ${error.message}`, { cause: error });
  }
}

type FirstDeed = (trx: Trx, actor: Actor, now: Date) => Promise<void>;

async function insertFirstAdmin(
  context: SignInContext,
  input: FirstAdmin,
  { address, requestId = null }: Pick<Origin, 'address' | 'requestId'>,
  also: FirstDeed = async () => {},
) {
  const { email, password, name } = input;
  const row = await newUserRow(context, { email, password, name, role: 'admin' });
  await write(context.db, async (trx) => {
    if (await hasUsers(trx)) throw new AppError('forbidden', 'Registration disabled');
    await insertUser(trx, row);
    await trx.deleteFrom('system_settings').where('key', '=', SETTING).execute();
    const entry = auditedUser('create', row, { details: { role: 'admin' } });
    const actor = { userId: row.id, address, requestId };
    await recordAudit(trx, actor, entry, context.now());
    await also(trx, actor, context.now());
  });
  return toUser(row);
}

async function isSetupCode(context: SignInContext, code: string | undefined): Promise<boolean> {
  if (code === undefined || plainCode(code) === '') return false;
  // All are hashes: how long the comparison takes says nothing about the code.
  return (await storedHashes(context.db)).includes(await hashOf(code));
}

/** Replicas that are started on one PostgreSQL each print a code of their own: every one of them counts. */
const CODES_OF_REPLICAS = 16;

/** A file of SQLite is one process's, and only the code that was printed last counts. */
async function storeCodeHash(context: SignInContext, hash: string): Promise<void> {
  const { db, now } = context;
  await write(db, async (trx) => {
    const before = isPostgres(db) ? await storedHashes(trx) : [];
    const hashes = [hash, ...before].slice(0, CODES_OF_REPLICAS);
    const values = { value: JSON.stringify(hashes), updated_at: now().toISOString() };
    await trx
      .insertInto('system_settings')
      .values({ key: SETTING, ...values })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
      .execute();
  });
}

async function storedHashes(db: Db | Trx): Promise<readonly string[]> {
  const row = await db
    .selectFrom('system_settings')
    .select('value')
    .where('key', '=', SETTING)
    .executeTakeFirst();
  return row === undefined ? [] : storedCodes.parse(JSON.parse(row.value));
}

/** Earlier versions stored one. */
const storedCodes = z.union([z.string().transform((hash) => [hash]), z.array(z.string())]);

/** Such as `k7mw-2fqz-9hxp-c4tr`: 80 bits, read aloud easily. */
function newSetupCode(): string {
  const alphabet = 'abcdefghjkmnpqrstvwxyz0123456789';
  const characters = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => alphabet[byte % 32]);
  return characters.join('').replace(/(.{4})(?=.)/g, '$1-');
}

async function hashOf(code: string): Promise<string> {
  const bytes = new TextEncoder().encode(plainCode(code));
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** As it counts: without case, and what copying from a log brings along or what chat programs make of a hyphen. */
function plainCode(code: string): string {
  return code.toLowerCase().replace(/[^a-z0-9]/g, '');
}
