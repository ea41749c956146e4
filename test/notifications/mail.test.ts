import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MailServer } from '../../src/channels/mailer.ts';
import { createChannel } from '../../src/channels/node/guarded-channel.ts';
import { createMailer } from '../../src/channels/node/smtp-mailer.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { recordEvent } from '../../src/events/events.ts';
import { createLog } from '../../src/log.ts';
import { deliverDue, hasDue } from '../../src/notifications/deliver-due.ts';
import { takeDelivery } from '../../src/notifications/deliveries.ts';
import { listDeliveries } from '../../src/notifications/delivery-log.ts';
import type { DeliverContext } from '../../src/notifications/send.ts';
import { saveSmtp } from '../../src/notifications/smtp-settings.ts';
import { tellEvents } from '../../src/notifications/tell.ts';
import { createVault } from '../../src/secrets/vault.ts';
import {
  headerOf,
  MAIL_LOGIN,
  type MailTestServer,
  startMailServer,
  textIn,
} from '../support/mail-server.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const BEGIN = Date.parse('2026-02-25T10:00:00.000Z');
const NOBODY = { userId: null, address: null };
const never = new AbortController().signal;
const MINUTE = 60;
const NIGHT = 24 * 60 * MINUTE;

afterAll(dropStates);

describe.each(STATES)('mail of what happened, on %s', (state) => {
  let db: Db;
  let server: MailTestServer;
  let seconds: number;
  let log: string[];
  let context: DeliverContext;
  const now = () => new Date(BEGIN + seconds * 1000);

  beforeEach(async () => {
    db = await openState(state);
    server = await startMailServer();
    [seconds, log] = [0, []];
    context = {
      ...{ db, now, vault: await createVault(new Uint8Array(32).fill(5)), mailer: createMailer() },
      channel: createChannel({ allowed: async () => [] }),
      log: createLog('debug', (line) => log.push(line), now),
    };
    const at = now().toISOString();
    const user = { id: 'ada', role: 'admin', email: 'ada@example.com', password_hash: '-' } as const;
    await db
      .insertInto('users')
      .values({ ...user, created_at: at, updated_at: at })
      .execute();
    const input = {
      host: '127.0.0.1',
      port: server.port,
      security: 'none',
      sender: 'app@example.com',
    } as const;
    await saveSmtp(context, NOBODY, input, user.email, never);
    expect(server.mails.splice(0)).toHaveLength(1);
  });
  afterEach(async () => {
    await server.close();
    await db.destroy();
  });

  const happens = (
    type: 'backup.failed' | 'backup.completed',
    databaseName = 'shop',
    databaseId = databaseName,
  ) =>
    write(db, async (trx) => {
      // No two at the same time: the order of those is anybody's guess.
      seconds += 0.001;
      const of = { databaseId, environmentId: 'e' };
      const id = { databaseName, backupId: 'b' };
      if (type === 'backup.failed') {
        await recordEvent(trx, { type, ...of, data: { ...id, step: 'dump', error: 'no <b> way' } }, now());
      } else await recordEvent(trx, { type, ...of, data: { ...id, bytes: 1, sizeChange: null } }, now());
    });
  const tell = () => tellEvents(context);
  /** As the worker does: told, and sent once it was waited for what else comes. */
  const work = async (after = 15) => {
    await tell();
    seconds += after;
    await deliverDue(context, 'email', never);
  };
  const deliveries = () => listDeliveries(db, null, { limit: 100, offset: 0 });
  const subjects = () => server.mails.map((mail) => headerOf(mail, 'Subject'));

  it('is one of a database that fails each night, and one when it has a good backup again', async () => {
    for (let night = 0; night < 4; night += 1) {
      await happens('backup.failed');
      await work();
      seconds += NIGHT;
    }
    expect(subjects()).toEqual(['[critical] Backup failed: shop']);
    await happens('backup.completed');
    await work();
    await happens('backup.completed');
    await work();
    expect(subjects()).toEqual(['[critical] Backup failed: shop', 'Backups are back: shop']);
    expect(textIn(server.mails[1] ?? never_())).toContain('failed 4 times in a row');
    expect(server.mails[0]?.to).toEqual(['ada@example.com']);
  });

  it('is one of many that fail in the same minute, and names the first of them', async () => {
    // A thousand in all; over a connection each costs a hundred times as long.
    const before = state === 'SQLite' ? 999 : 120;
    await write(db, async (trx) => {
      for (let count = 0; count < before; count += 1) {
        const data = { databaseName: `db ${count}`, backupId: 'b', step: 'dump', error: 'no' };
        const of = { databaseId: `db ${count}`, environmentId: 'e' };
        await recordEvent(trx, { type: 'backup.failed', ...of, data }, now());
      }
    });
    // However many there are, the queue comes to its end in rounds.
    while (await db.selectFrom('events').select('id').where('told_at', 'is', null).executeTakeFirst())
      await tell();
    await work(12);
    expect(server.mails).toEqual([]);
    await happens('backup.failed', 'one more');
    await work(60);
    expect(subjects()[0]).toContain(`[critical] ${before + 1} notifications: Backup failed: `);
    expect(server.mails).toHaveLength(1);
    expect(textIn(server.mails[0] ?? never_())).toContain(`and ${before + 1 - 50} more`);
    await work(120);
    expect(server.mails).toHaveLength(1);
  });

  it('tells of one that failed again soon after, if it lasts', async () => {
    await happens('backup.failed');
    await happens('backup.completed');
    await work();
    await happens('backup.failed');
    await work();
    const before = server.mails.length;
    seconds += 60 * MINUTE;
    await work();
    expect(subjects().slice(before)).toEqual(['[critical] Backup failed: shop']);
  });

  it('is tried again while the server refuses, ever more rarely, and told in the app as not arriving', async () => {
    server.refuse({ mail: '4.3.0 come back "later" <b>', code: 451 });
    await happens('backup.failed');
    await work();
    expect((await deliveries())[0]).toMatchObject({
      ...{ status: 'pending', attempts: 1, recipient: 'ada@example.com', event: 'system.backup_failed' },
      lastError: expect.stringContaining('come back "later" <b>'),
      nextAttemptAt: new Date(now().getTime() + 30_000).toISOString(),
    });
    for (const pause of [30, 60]) {
      seconds += pause - 1;
      await deliverDue(context, 'email', never);
      seconds += 1;
      await deliverDue(context, 'email', never);
    }
    expect((await deliveries())[0]?.attempts).toBe(3);
    await tell();
    const failing = await db
      .selectFrom('notifications')
      .select('message')
      .where('type_id', '=', 'system.channel_failed')
      .execute();
    expect(failing).toEqual([{ message: expect.stringContaining('Notifications by e-mail don’t arrive') }]);
    server.refuse(null);
    await work(10 * MINUTE);
    expect(subjects()).toEqual(['[critical] Backup failed: shop']);
    const { email_sent_at: sentAt } = await db
      .selectFrom('notifications')
      .select('email_sent_at')
      .where('type_id', '=', 'system.backup_failed')
      .executeTakeFirstOrThrow();
    expect(sentAt).toBe(now().toISOString());
    expect(await db.selectFrom('smtp_settings').select(['failing_since', 'last_error']).execute()).toEqual([
      { failing_since: null, last_error: null },
    ]);
  });

  it('is given up where the server knows no such address, which says nothing of the server', async () => {
    server.refuse({ recipient: 'nobody here', code: 550 });
    await happens('backup.failed');
    await work();
    expect((await deliveries())[0]).toMatchObject({
      ...{ status: 'failed', attempts: 1, nextAttemptAt: null },
      lastError: expect.stringContaining('nobody here'),
    });
    expect(await db.selectFrom('smtp_settings').select('failing_since').execute()).toEqual([
      { failing_since: null },
    ]);
    expect(log.join('\n')).toContain('a notification was given up');
  });

  it('waits while the server relays no more, which its admins are told, and is sent when it does again', async () => {
    server.refuse({ recipient: '5.7.1 <ada@example.com>: Relay access denied', code: 554 });
    await happens('backup.failed');
    await work();
    await work(30);
    await work(60);
    expect((await deliveries())[0]).toMatchObject({ status: 'pending', attempts: 3 });
    await tell();
    const types = await db.selectFrom('notifications').select('type_id').orderBy('type_id').execute();
    expect(types.map((row) => row.type_id)).toEqual(['system.backup_failed', 'system.channel_failed']);
    server.refuse(null);
    await work(10 * MINUTE);
    expect(subjects()).toEqual(['[critical] Backup failed: shop']);
  });

  it('is sent again within an hour where it reached nobody since its one recipient was refused for good', async () => {
    server.refuse({ recipient: '5.1.1 no such user', code: 550 });
    await happens('backup.failed');
    await work();
    expect((await deliveries()).map(({ status }) => status)).toEqual(['failed']);
    server.refuse(null);
    await work(60 * MINUTE);
    expect(subjects()).toEqual([]);
    await work();
    expect(subjects()).toEqual(['[critical] Backup failed: shop']);
    await work(60 * MINUTE);
    await work();
    expect(subjects()).toHaveLength(1);
  });

  it('that a recipient is refused for good is told admins once, until one arrives', async () => {
    server.refuse({ recipient: '5.1.1 unknown', code: 550 });
    for (const name of ['one', 'two']) {
      await happens('backup.failed', name);
      await work();
      await work();
    }
    const told = await db
      .selectFrom('notifications')
      .select('message')
      .where('type_id', '=', 'system.channel_failed')
      .execute();
    expect(told).toEqual([{ message: expect.stringContaining('by mail to ada@example.com don’t arrive') }]);
    server.refuse(null);
    await happens('backup.failed', 'three');
    await work();
    await work();
    // Of what she was not told she is told now.
    expect(subjects().sort()).toEqual([
      expect.stringMatching(/^\[critical\] 2 notifications: Backup failed: (one|two), and more$/),
      '[critical] Backup failed: three',
    ]);
  });

  it('is given up at last where whoever sends it is killed each time, and a surprise is a failure like others', async () => {
    await happens('backup.failed');
    await tell();
    const [{ id } = never_()] = await deliveries();
    const surprised = {
      ...context,
      mailer: { send: async () => Promise.reject(new RangeError('of tomorrow')) },
    };
    seconds += 15;
    await deliverDue(surprised, 'email', never);
    expect((await deliveries())[0]).toMatchObject({ status: 'pending', attempts: 1 });
    expect(log.join('')).toContain('of tomorrow');
    for (let count = 1; count < 24; count += 1) {
      seconds += 1800;
      expect((await takeDelivery(db, id, `killed ${count}`, now()))?.delivery.attempts).toBe(count + 1);
    }
    seconds += 1800;
    await deliverDue(context, 'email', never);
    expect([server.mails.length, (await deliveries())[0]?.status]).toEqual([0, 'failed']);
  });

  it('is sent again where whoever had it was killed before it could say so; by nobody else meanwhile', async () => {
    await happens('backup.failed');
    await tell();
    seconds += 15;
    const [{ id } = never_()] = await deliveries();
    expect((await takeDelivery(db, id, 'killed', now()))?.total).toBe(1);
    await Promise.all([deliverDue(context, 'email', never), deliverDue(context, 'email', never)]);
    expect([server.mails.length, await hasDue(context, 'email')]).toEqual([0, false]);
    seconds += 3 * MINUTE;
    await Promise.all([deliverDue(context, 'email', never), deliverDue(context, 'email', never)]);
    expect(server.mails).toHaveLength(1);
    expect((await deliveries())[0]?.status).toBe('delivered');
  });

  it('has an id of its own once it tells of more than one that may have arrived, which is not dropped as known', async () => {
    const real = context.mailer;
    let isAnswerLost = true;
    context = {
      ...context,
      mailer: {
        async send(...args) {
          const sent = await real.send(...args);
          const refused = { reason: 'No answer in time.', mayPass: true, isRecipient: false };
          return isAnswerLost ? { isTaken: false, refused } : sent;
        },
      },
    };
    await happens('backup.failed', 'first');
    await work();
    await work(30);
    await happens('backup.failed', 'second');
    isAnswerLost = false;
    await work(60);
    expect(subjects()).toEqual([
      ...Array.from({ length: 2 }, () => '[critical] Backup failed: first'),
      '[critical] 2 notifications: Backup failed: second, and more',
    ]);
    const [one, again, more] = server.mails.map((mail) => headerOf(mail, 'Message-ID'));
    expect([again, more === one]).toEqual([one, false]);
    // Such an id is signed with what follows behind a full stop: it must have none itself (standardwebhooks.com).
    expect(more).toMatch(/^<[^.]+@[^.]+>$/);
  });

  it('lets no name add a header or markup', async () => {
    const name = 'x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>';
    await happens('backup.failed', name, 'odd');
    await work();
    const [mail = never_()] = server.mails;
    expect(mail.to).toEqual(['ada@example.com']);
    expect(headerOf(mail, 'Bcc')).toBe('');
    expect(headerOf(mail, 'Subject')).toMatch(/^\[critical\] Backup failed: x Bcc: evil@example.com/);
    const text = textIn(mail);
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text.split('<!doctype html>')[1]).not.toContain('<script>');
  });
});

describe('the mail server', () => {
  const mail = { to: 'ada@example.com', id: 'm1', subject: 's', text: 't', html: '<p>t</p>' };
  const at = (port: number, more: Partial<MailServer> = {}): MailServer => ({
    ...{ host: '127.0.0.1', port, security: 'none', login: null, sender: 'app@example.com' },
    ...more,
  });
  const reasonOf = async (server: MailServer, mailer = createMailer()) => {
    const sent = await mailer.send(server, mail, never);
    return sent.isTaken ? 'taken' : sent.refused.reason;
  };

  it('is signed in to, and its own words of a refusal are told without the password', async () => {
    const server = await startMailServer();
    expect(await reasonOf(at(server.port, { login: MAIL_LOGIN }))).toBe('taken');
    expect(server.mails[0]?.user).toBe(MAIL_LOGIN.username);
    const login = { username: MAIL_LOGIN.username, password: 'another secret' };
    const reason = await reasonOf(at(server.port, { login }));
    expect(reason).toContain('refused the user name or the password');
    expect(reason).not.toContain('another secret');
    await server.close();
  });

  it('must have a certificate that is trusted, unless it is spoken to in the clear', async () => {
    const server = await startMailServer();
    expect(await reasonOf(at(server.port, { security: 'starttls' }))).toContain('certificate is not trusted');
    expect(await reasonOf(at(server.port, { security: 'tls' }))).not.toBe('taken');
    expect(server.mails).toEqual([]);
    await server.close();
  });

  it('is waited for no longer than its limits, whether it is silent, resets, or speaks another tongue', async () => {
    const quick = createMailer({ connectMs: 300, greetingMs: 300, silenceMs: 300, totalMs: 2000 });
    const ways = {
      silent: () => undefined,
      resets: (socket: import('node:net').Socket) => void socket.resetAndDestroy(),
      garbage: (socket: import('node:net').Socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nhello'),
    };
    for (const [name, answer] of Object.entries(ways)) {
      const sockets = new Set<import('node:net').Socket>();
      const server = createServer((socket) => {
        sockets.add(socket.on('error', () => undefined));
        answer(socket);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      expect([name, await reasonOf(at(port), quick)]).toEqual([
        name,
        expect.stringMatching(/^The mail server/),
      ]);
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    }
  });
});

function never_(): never {
  throw new Error('There is none.');
}
