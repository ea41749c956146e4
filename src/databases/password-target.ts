import * as z from 'zod';
import type { DatabaseRow } from '../db/schema.ts';
import { readTls, tlsShape } from '../engines/tls-options.ts';
import { AppError } from '../errors.ts';
import type { ServerAddress } from '../servers/server-access.ts';

/**
 * Whom a stored password was given for: everything that decides who gets it, as JSON in `databases.password_target`. It
 * is written when the password is typed or an admin confirms where the settings lead, and compared each time before the
 * password is sent, so that no change of a setting, on whatever way, leads it to somebody else.
 */
export interface PasswordTarget {
  readonly type: string;
  /** Null: the app's own machine. */
  readonly server: ServerAddress | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly tls: 'off' | 'encrypt' | 'verify';
  /** PEM; null: the authorities that the system trusts. */
  readonly ca: string | null;
  /** True where the user was changed and the password of the former one kept. */
  readonly isForAnotherUser: boolean;
}

/** The columns of a database that say where its password goes. */
export type TargetColumns = Pick<
  DatabaseRow,
  'name' | 'type' | 'host' | 'port' | 'options' | 'password_target'
>;

const passwordTarget: z.ZodType<PasswordTarget> = z.object({
  type: z.string(),
  server: z.object({ id: z.string(), hostname: z.string(), port: z.number(), user: z.string() }).nullable(),
  host: z.string().nullable(),
  port: z.number().nullable(),
  tls: z.enum(['off', 'encrypt', 'verify']),
  ca: z.string().nullable(),
  isForAnotherUser: z.boolean(),
});

/** Where the settings lead, seen from that machine. */
export function presentTarget(database: TargetColumns, server: ServerAddress | null): PasswordTarget {
  const { type, host, port } = database;
  return { type, server, host, port, ...tlsOf(database), isForAnotherUser: false };
}

/** Whom the password was given for; null where none is stored. */
export function givenTarget({ password_target: stored }: TargetColumns): PasswordTarget | null {
  return stored === null ? null : passwordTarget.parse(JSON.parse(stored));
}

/**
 * What leads the password to somebody else than whom it was given for, one line each such as `port: 5433 instead of
 * 5432`; empty where it may be sent. Better protection of the way is no such thing.
 */
export function changesOfTarget(database: TargetColumns, server: ServerAddress | null): readonly string[] {
  const given = givenTarget(database);
  if (given === null) return [];
  const present = presentTarget(database, server);
  const settings = [
    ['type', present.type, given.type],
    ['server', present.server?.id ?? null, given.server?.id ?? null],
    ['address of the server', present.server?.hostname, given.server?.hostname],
    ['SSH port of the server', present.server?.port, given.server?.port],
    ['SSH user of the server', present.server?.user, given.server?.user],
    ['host', present.host, given.host],
    ['port', present.port, given.port],
  ] as const;
  const isOtherServer = present.server?.id !== given.server?.id;
  return [
    ...settings.flatMap(([name, now, before]) => {
      if (now === before) return [];
      // Ids say nothing to people; the address follows.
      if (name === 'server') return [`server: ${nameOf(present.server)} instead of ${nameOf(given.server)}`];
      return isOtherServer && name.includes('server')
        ? []
        : [`${name}: ${shown(now)} instead of ${shown(before)}`];
    }),
    ...weakerTls(present, given),
    ...(given.isForAnotherUser ? ['user: another one than the password was typed for'] : []),
  ];
}

/**
 * Throws `password_held` where the password was given for somebody else than this database on this machine. What is
 * compared must be what is used: the row that the command was made of, and the address that is connected to.
 */
export function refuseOtherTarget(database: TargetColumns, server: ServerAddress | null): void {
  const changes = changesOfTarget(database, server);
  if (changes.length === 0) return;
  throw new AppError('password_held', heldSentence(database.name, changes), { details: { changes } });
}

/** For people; the changes are `changesOfTarget`'s. */
export function heldSentence(name: string, changes: readonly string[]): string {
  return (
    `The stored password of database "${name}" is not sent: it was given for another target (${changes.join('; ')}). ` +
    'Type the password again on the page of the database, or have an admin confirm the new target there ' +
    '(in the API: PATCH with the password, or POST /api/databases/:id/confirm-target).'
  );
}

function weakerTls(present: PasswordTarget, given: PasswordTarget): readonly string[] {
  const isWeaker = TLS_RANK[present.tls] < TLS_RANK[given.tls];
  if (isWeaker) return [`TLS: ${TLS_NAMES[present.tls]} instead of ${TLS_NAMES[given.tls]}`];
  if (present.tls !== 'verify' || given.tls !== 'verify' || present.ca === given.ca) return [];
  return ['TLS: verified against another certificate authority'];
}

const TLS_RANK = { off: 0, encrypt: 1, verify: 2 } as const;
const TLS_NAMES = { off: 'not required', encrypt: 'encrypted only', verify: 'verified' } as const;

const tlsOptions = z.object(tlsShape);

function tlsOf({ options }: TargetColumns): Pick<PasswordTarget, 'tls' | 'ca'> {
  const { tlsMode, tlsCa } = readTls(tlsOptions.parse(JSON.parse(options)));
  return { tls: tlsMode, ca: tlsCa };
}

function nameOf(server: ServerAddress | null): string {
  return server === null ? 'the machine that BRIDGEPORT runs on' : `${server.user}@${server.hostname}`;
}

function shown(value: string | number | null | undefined): string {
  return value === null || value === undefined ? 'none' : String(value);
}
