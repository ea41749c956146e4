import type { Mail, Mailer, MailRefused, MailServer } from '../mailer.ts';
import { isAboutRecipient } from '../smtp-refusal.ts';

export interface SmtpLimits {
  readonly connectMs: number;
  readonly greetingMs: number;
  /** Without a byte from the server. */
  readonly silenceMs: number;
  /** For all of it. */
  readonly totalMs: number;
}

const LIMITS: SmtpLimits = { connectMs: 10_000, greetingMs: 10_000, silenceMs: 15_000, totalMs: 45_000 };

/** A connection of its own for each mail: few are sent, and what an admin changes counts from the next one on. */
export function createMailer(limits: SmtpLimits = LIMITS): Mailer {
  return {
    async send(server, mail, signal) {
      signal.throwIfAborted();
      const limit = AbortSignal.timeout(limits.totalMs);
      try {
        await sendWithin(server, mail, limits, AbortSignal.any([signal, limit]));
        return { isTaken: true };
      } catch (error) {
        signal.throwIfAborted();
        return { isTaken: false, refused: explain(server, error, limit.aborted) };
      }
    },
  };
}

async function sendWithin(
  server: MailServer,
  mail: Mail,
  limits: SmtpLimits,
  signal: AbortSignal,
): Promise<void> {
  const { createTransport } = await import('./nodemailer.ts');
  const { host, port, security, login, sender } = server;
  const transport = createTransport({
    ...{ host, port, secure: security === 'tls', requireTLS: security === 'starttls' },
    ignoreTLS: security === 'none',
    ...(login === null ? {} : { auth: { user: login.username, pass: login.password } }),
    ...{ connectionTimeout: limits.connectMs, dnsTimeout: limits.connectMs },
    ...{ greetingTimeout: limits.greetingMs, socketTimeout: limits.silenceMs },
    tls: { minVersion: 'TLSv1.2' },
    // A name that is looked up, an address or a file in what is sent is never fetched or read.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const over = new Promise<never>((_, fail) => {
    if (signal.aborted) fail(signal.reason);
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
  });
  try {
    const sent = transport.sendMail({
      from: { name: 'BRIDGEPORT Storage', address: sender },
      to: { name: '', address: mail.to },
      subject: mail.subject.replaceAll(/[\p{Cc}\s]+/gu, ' '),
      ...{ text: mail.text, html: mail.html },
      messageId: `<${mail.id}@bridgeport-storage>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    });
    await Promise.race([sent, over]);
  } finally {
    transport.close();
  }
}

/** The server's own words are shown to admins: nothing that we send is secret but the password, which no server repeats. */
function explain(server: MailServer, error: unknown, isOver: boolean): MailRefused {
  const at = `${server.host}:${server.port}`;
  const code = textOf(error, 'code');
  const words = firstLine(textOf(error, 'response'), server);
  const refused = (reason: string, more: Partial<MailRefused> = {}): MailRefused => ({
    ...{ reason, mayPass: true, isRecipient: false },
    ...more,
  });
  if (isOver || code === 'ETIMEDOUT') return refused(`The mail server ${at} did not answer in time.`);
  if (code === 'EAUTH') {
    return refused(`The mail server ${at} refused the user name or the password: ${words || 'no reason'}.`);
  }
  const message = error instanceof Error ? error.message : '';
  if (code === 'EENVELOPE') {
    if (words !== '')
      return refused(`The mail server ${at} does not take this mail: ${words}.`, ofAnswer(words));
    // Nothing was sent: the address itself is none that mail may have.
    const isRecipient = /recipient/i.test(message);
    return refused('The address is none that mail can be sent to.', { isRecipient, mayPass: !isRecipient });
  }
  if (code === 'EDNS' || code === 'ENOTFOUND')
    return refused(`The name of the mail server ${at} is not known to DNS.`);
  if (code === 'ETLS' || /certificate|self.signed|altname|SSL|TLS/i.test(message)) {
    return refused(
      `The mail server ${at} offers no TLS, or its certificate is not trusted (${firstLine(message, server)}). NODE_EXTRA_CA_CERTS names a file of further certificates.`,
    );
  }
  if (words !== '') {
    return refused(`The mail server ${at} answered: ${words}.`, ofAnswer(words));
  }
  return refused(`The mail server ${at} can’t be reached, or speaks no SMTP (${code || 'no reason'}).`);
}

/** Only what is wrong with a recipient, for good, stays so: all else an admin mends, and what waited is sent then. */
function ofAnswer(words: string): Pick<MailRefused, 'mayPass' | 'isRecipient'> {
  const isRecipient = isAboutRecipient(words);
  return { isRecipient, mayPass: !(isRecipient && words.startsWith('5')) };
}

function textOf(error: unknown, field: string): string {
  const value: unknown = error instanceof Error ? Reflect.get(error, field) : undefined;
  return typeof value === 'string' ? value : '';
}

const LONGEST = 200;

function firstLine(text: string, { login }: MailServer): string {
  const line = (text.split(/[\r\n]/)[0] ?? '')
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, LONGEST)
    .trim();
  const secret = login?.password ?? '';
  return (secret === '' ? line : line.replaceAll(secret, '•••')).replace(/\.$/, '');
}
