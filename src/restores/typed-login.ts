import * as z from 'zod';
import { credentialsSchema } from '../databases/database-target.ts';
import { changesOfTarget, presentTarget } from '../databases/password-target.ts';
import { addressOfServer } from '../databases/password-targets.ts';
import type { RestoreRow } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { secretField } from '../fields.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { ServerAddress } from '../servers/server-access.ts';

/** As whom, for one restore or drill alone; forgotten when it has ended. */
export const loginFields = {
  username: secretField(255).min(1).optional(),
  password: secretField(1024).min(1).optional(),
};

export interface TypedLogin {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** Where a restore goes, and on what way. */
type Place = Pick<RestoreRow, 'server_id' | 'engine' | 'host' | 'port' | 'options'>;

const sealedLogin = credentialsSchema.extend({
  /** Whom it was typed for, as `password_target`; absent where it is used at once, and of earlier versions. */
  target: z.string().optional(),
});
export type SealedLogin = Readonly<z.infer<typeof sealedLogin>>;

/** What was typed, sealed for the restore of that id; null for nothing. */
export async function sealLogin(
  { vault }: Pick<VaultContext, 'vault'>,
  id: string,
  login: TypedLogin,
  target?: string,
): Promise<string | null> {
  if (!isTyped(login)) return null;
  const { username = null, password = null } = login;
  const text = JSON.stringify({ username, password, target });
  return vault.seal(text, SEALED.restoreCredentials.identity(id));
}

/** The same with the machine that it was typed for, for a restore that waits: its server may be another machine by its turn. */
export async function sealForPlace(
  context: Pick<VaultContext, 'db' | 'vault'>,
  id: string,
  login: TypedLogin,
  place: Place,
): Promise<string | null> {
  if (!isTyped(login)) return null;
  const address = await addressOfServer(context.db, place.server_id);
  return sealLogin(context, id, login, JSON.stringify(presentTarget(targetOf(place, null), address)));
}

export async function openLogin(
  { vault }: Pick<VaultContext, 'vault'>,
  id: string,
  sealed: string,
): Promise<SealedLogin> {
  return sealedLogin.parse(JSON.parse(await vault.open(sealed, SEALED.restoreCredentials.identity(id))));
}

/** Throws `password_held` where the password was typed for another machine than the one that was connected to. */
export function refuseOtherMachine(
  { password, target }: SealedLogin,
  place: Place,
  address: ServerAddress | null,
): void {
  if (password === null) return;
  const changes = changesOfTarget(targetOf(place, target ?? null), address);
  if (changes.length === 0) return;
  throw new AppError(
    'password_held',
    `The password that was typed for this restore is not sent: since then it leads to another target (${changes.join('; ')}). ` +
      'See who changed the server, and that it is right now; then ask again, with the password.',
    { details: { changes } },
  );
}

const isTyped = ({ username, password }: TypedLogin) => username !== undefined || password !== undefined;

function targetOf({ engine, host, port, options }: Place, password_target: string | null) {
  return { name: '', type: engine, host, port, options, password_target };
}
