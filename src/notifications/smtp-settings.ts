import * as z from 'zod';
import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Mailer, MailSent, MailServer } from '../channels/mailer.ts';
import type { Db, SmtpSettingsRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { emailField, hostName, line, port, secretField } from '../fields.ts';
import { newId } from '../ids.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import { forgetDeliveriesTo } from './deliveries.ts';
import { forgetSpell } from './spells.ts';
import { nameOf, noteWorks, stateAfter } from './way-state.ts';

export interface MailContext extends VaultContext {
  readonly mailer: Mailer;
}

export const smtpInput = z.object({
  host: hostName.min(1),
  port,
  security: z.enum(['tls', 'starttls', 'none']),
  username: line(320).nullish(),
  /** Absent: the one that is stored, where host, port and user are those that it was given for. */
  password: secretField(1024).nullish(),
  sender: emailField,
  /** Saved though the test mail was not taken. */
  saveAnyway: z.boolean().optional(),
});
export type SmtpInput = Readonly<z.infer<typeof smtpInput>>;

/** What is shown of it. */
export interface ShownSmtp {
  readonly host: string;
  readonly port: number;
  readonly security: SmtpSettingsRow['security'];
  readonly username: string | null;
  readonly hasPassword: boolean;
  readonly sender: string;
  readonly lastOkAt: string | null;
  readonly lastError: string | null;
  readonly failingSince: string | null;
}

export async function readSmtp(db: Db): Promise<ShownSmtp | null> {
  const row = await rowOf(db);
  return row === undefined ? null : shown(row);
}

/**
 * Sends a mail to whoever saves it, by what was entered, and keeps that where it was taken. Throws `invalid` where it was not,
 * with what the server said, and where a password would go to another server than the one that it was given for.
 */
export async function saveSmtp(
  context: MailContext,
  actor: Actor,
  input: SmtpInput,
  to: string,
  signal: AbortSignal,
): Promise<ShownSmtp> {
  const { db, now, vault, mailer } = context;
  const before = await rowOf(db);
  const username = input.username?.trim() ? input.username.trim() : null;
  const password = await passwordFor(context, before, { ...input, username });
  const { host, security, sender } = input;
  const login = username === null ? null : { username, password: password ?? '' };
  const server: MailServer = { host, port: input.port, security, login, sender };
  if (login !== null && security === 'none') {
    throw refusal('security', 'A password is never sent in the clear: choose TLS or STARTTLS.');
  }
  const sent = await mailer.send(server, trialMail(to), signal);
  if (!sent.isTaken && input.saveAnyway !== true) throw refusal('host', sent.refused.reason);
  const id = before?.id ?? newId();
  const sealed = password === null ? null : await vault.seal(password, SEALED.smtpPassword.identity(id));
  const at = now().toISOString();
  const values = {
    ...{ host, port: input.port, security, username, sender, password: sealed, updated_at: at },
    ...stateAfter(outcomeOf(sent), now()),
  };
  const row = await write(db, async (trx) => {
    const other = await trx.selectFrom('smtp_settings').select('id').where('id', '!=', id).executeTakeFirst();
    if (other !== undefined) throw new AppError('conflict', 'Somebody else has just saved a mail server.');
    const details = { host, port: input.port, security, username, sender, tested: sent.isTaken };
    const entry = auditEntry('smtp_settings', 'update', { id, name: host }, { details });
    await recordAudit(trx, actor, entry, now());
    const known = await trx
      .selectFrom('smtp_settings')
      .select(['failing_since', 'last_ok_at'])
      .where('id', '=', id)
      .executeTakeFirst();
    const saved = await trx
      .insertInto('smtp_settings')
      .values({ id, created_at: at, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .returningAll()
      .executeTakeFirstOrThrow();
    if (sent.isTaken) await noteWorks(trx, nameOf(null), known ?? null, now());
    return saved;
  });
  return shown(row);
}

/** Sends a test mail by what is stored. Throws `not_found` where nothing is. */
export async function trySmtp(context: MailContext, to: string, signal: AbortSignal): Promise<MailSent> {
  const row = await rowOf(context.db);
  if (row === undefined) throw new AppError('not_found', 'No mail server is entered yet');
  const sent = await context.mailer.send(await serverOf(context, row), trialMail(to), signal);
  await write(context.db, async (trx) => {
    const at = context.now();
    const before = await trx
      .selectFrom('smtp_settings')
      .select(['failing_since', 'last_ok_at'])
      .where('id', '=', row.id)
      .executeTakeFirst();
    if (before === undefined) return;
    await trx
      .updateTable('smtp_settings')
      .set(stateAfter(outcomeOf(sent), at))
      .where('id', '=', row.id)
      .execute();
    if (sent.isTaken) await noteWorks(trx, nameOf(null), before, at);
  });
  return sent;
}

/** With what was still to be sent by it; nothing where there is none. */
export async function removeSmtp({ db, now }: Pick<MailContext, 'db' | 'now'>, actor: Actor): Promise<void> {
  await write(db, async (trx) => {
    const row = await trx.deleteFrom('smtp_settings').returning(['id', 'host']).executeTakeFirst();
    if (row === undefined) return;
    await forgetDeliveriesTo(trx, 'email', null);
    await forgetSpell(trx, 'system.channel_failed', { databaseId: null, id: nameOf(null).targetId });
    await recordAudit(
      trx,
      actor,
      auditEntry('smtp_settings', 'delete', { id: row.id, name: row.host }),
      now(),
    );
  });
}

/** Throws `secret_unreadable`. */
export async function serverOf(
  { vault }: Pick<VaultContext, 'vault'>,
  row: SmtpSettingsRow,
): Promise<MailServer> {
  const { host, port: at, security, sender, username } = row;
  const password =
    row.password === null ? '' : await vault.open(row.password, SEALED.smtpPassword.identity(row.id));
  return { host, port: at, security, sender, login: username === null ? null : { username, password } };
}

async function passwordFor(
  context: MailContext,
  before: SmtpSettingsRow | undefined,
  input: SmtpInput & { readonly username: string | null },
): Promise<string | null> {
  if (input.username === null) return null;
  if (input.password != null && input.password !== '') return input.password;
  if (before?.password == null) return null;
  const isSame =
    before.host === input.host && before.port === input.port && before.username === input.username;
  const isWeaker = before.security !== input.security;
  if (!isSame || isWeaker) {
    throw refusal(
      'password',
      'Enter the password again: the stored one was given for another server, user or security.',
    );
  }
  return (await serverOf(context, before)).login?.password ?? null;
}

function outcomeOf(sent: MailSent) {
  return sent.isTaken ? ({ isOk: true } as const) : ({ isOk: false, reason: sent.refused.reason } as const);
}

function trialMail(to: string) {
  const says = 'This is a test: mail of BRIDGEPORT Storage arrives here.';
  return { to, id: newId(), subject: 'Test of BRIDGEPORT Storage', text: says, html: `<p>${says}</p>` };
}

function rowOf(db: Db): Promise<SmtpSettingsRow | undefined> {
  return db.selectFrom('smtp_settings').selectAll().limit(1).executeTakeFirst();
}

function shown(row: SmtpSettingsRow): ShownSmtp {
  const { host, port: at, security, username, sender } = row;
  return {
    ...{ host, port: at, security, username, sender, hasPassword: row.password !== null },
    ...{ lastOkAt: row.last_ok_at, lastError: row.last_error, failingSince: row.failing_since },
  };
}

function refusal(field: string, message: string): AppError {
  return new AppError('invalid', 'Invalid input', {
    details: { issues: [{ path: [field], message, code: 'custom' }] },
  });
}
