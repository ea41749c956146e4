import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body, as they came. */
  readonly raw: string;
  readonly user: string | null;
}

/** A real mail server on a port of this machine. It offers STARTTLS with a certificate that nobody trusts. */
export interface MailTestServer {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** What it answers from now on instead of taking mail: of a recipient, or of the whole. */
  refuse(how: { readonly recipient?: string; readonly mail?: string; readonly code: number } | null): void;
  close(): Promise<void>;
}

export const MAIL_LOGIN = { username: 'me "x"', password: 'p+ss wörd 🗝' };

export async function startMailServer(): Promise<MailTestServer> {
  const mails: ReceivedMail[] = [];
  let refusal: { readonly recipient?: string; readonly mail?: string; readonly code: number } | null = null;
  const failure = (words: string, code: number) => Object.assign(new Error(words), { responseCode: code });
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    logger: false,
    onAuth({ username, password }, _, done) {
      const isOurs = username === MAIL_LOGIN.username && password === MAIL_LOGIN.password;
      done(isOurs ? null : failure(`${password} is wrong`, 535), isOurs ? { user: username } : undefined);
    },
    onRcptTo(_, __, done) {
      done(refusal?.recipient === undefined ? null : failure(refusal.recipient, refusal.code));
    },
    onData(stream, session, done) {
      let raw = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        raw += chunk;
      });
      stream.on('end', () => {
        if (refusal?.mail !== undefined) {
          done(failure(refusal.mail, refusal.code));
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw,
          user: session.user === undefined ? null : String(session.user),
        });
        done();
      });
    },
  });
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    mails,
    refuse(how) {
      refusal = how;
    },
    close: () => new Promise((done) => server.close(() => done())),
  };
}

/** The value of a header, its lines joined and its words decoded. */
export function headerOf({ raw }: ReceivedMail, name: string): string {
  const [head = ''] = raw.split('\r\n\r\n');
  const unfolded = head.replaceAll(/\r\n[ \t]+/g, ' ');
  const [, value = ''] = new RegExp(`^${name}: (.*)$`, 'im').exec(unfolded) ?? [];
  return value
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?(.*?)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString('utf8')
        : Buffer.from(
            text
              .replaceAll('_', ' ')
              .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
                String.fromCharCode(Number.parseInt(hex, 16)),
              ),
            'latin1',
          ).toString('utf8'),
    );
}

/** The parts' text, whatever they were encoded as. */
export function textIn({ raw }: ReceivedMail): string {
  const parts = raw.split(/\r\n--[^\r\n]+\r\n/).slice(1);
  return parts
    .map((part) => {
      const [head = '', ...body] = part.split('\r\n\r\n');
      const text = body.join('\r\n\r\n');
      if (/base64/i.test(head)) return Buffer.from(text, 'base64').toString('utf8');
      if (!/quoted-printable/i.test(head)) return text;
      const bytes = text
        .replaceAll('=\r\n', '')
        .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
      return Buffer.from(bytes, 'latin1').toString('utf8');
    })
    .join('\n');
}
