import * as z from 'zod';
import { countDeliveries, listDeliveries } from '../../notifications/delivery-log.ts';
import { readSmtp, removeSmtp, saveSmtp, smtpInput, trySmtp } from '../../notifications/smtp-settings.ts';
import type { Services } from '../../services-port.ts';
import { type ApiSession, route } from '../route.ts';
import { delivery, instant, pageQuery, SUCCESS, success, total } from './shapes.ts';

/** Never the password. */
const smtp = z.object({
  host: z.string(),
  port: z.number().int(),
  security: z.enum(['tls', 'starttls', 'none']),
  username: z.string().nullable(),
  hasPassword: z.boolean(),
  sender: z.string(),
  lastOkAt: instant.nullable(),
  lastError: z.string().nullable(),
  failingSince: instant.nullable(),
});
const sent = delivery.extend({ way: z.enum(['email', 'channel', 'webhook']), recipient: z.string() });

const path = '/api/settings/smtp' as const;
const DEFAULT_LIMIT = 25;

/** The mail server of the installation, and what was sent. */
export function mailRoutes(services: Services) {
  const { db } = services;
  return [
    route({
      method: 'GET',
      path,
      access: 'admin',
      summary: 'By which server mail goes out, and whether it does; never the password',
      answer: z.object({ smtp: smtp.nullable() }),
      handle: async () => ({ smtp: await readSmtp(db) }),
    }),
    route({
      method: 'PUT',
      path,
      access: 'admin',
      summary: 'Enter the mail server; it is kept once it has taken a test mail to you',
      body: smtpInput,
      example: { host: 'mail.example.com', port: 465, security: 'tls', sender: 'backups@example.com' },
      answer: z.object({ smtp }),
      refusals: [409],
      handle: async ({ actor, session, body, signal }) => ({
        smtp: await saveSmtp(services, actor, body, ownAddress(session) ?? body.sender, signal),
      }),
    }),
    route({
      method: 'DELETE',
      path,
      access: 'admin',
      summary: 'Send no mail any more',
      answer: success,
      handle: async ({ actor }) => {
        await removeSmtp(services, actor);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: `${path}/test`,
      access: 'admin',
      summary: 'Send a test mail to yourself, and say what became of it',
      answer: z.object({ success: z.boolean(), error: z.string().optional() }),
      refusals: [404],
      handle: async ({ session, signal }) => {
        const to = ownAddress(session) ?? (await readSmtp(db))?.sender ?? '';
        const sent = await trySmtp(services, to, signal);
        return sent.isTaken ? { success: true } : { success: false, error: sent.refused.reason };
      },
    }),
    route({
      method: 'GET',
      path: '/api/admin/deliveries',
      access: 'admin',
      summary: 'What was sent, is on its way, or was given up: newest first',
      query: pageQuery(DEFAULT_LIMIT),
      answer: z.object({ deliveries: z.array(sent), total }),
      handle: async ({ query }) => ({
        deliveries: await listDeliveries(db, null, query),
        total: await countDeliveries(db, null),
      }),
    }),
  ] as const;
}

/** A service account has no mailbox. */
function ownAddress({ user, token }: ApiSession): string | null {
  return token?.serviceAccountId == null ? user.email : null;
}
