import { expect, it } from 'vitest';
import { createLog } from '../src/log.ts';
import { watchForSecrets } from './support/log-secrets.ts';

const PASSWORD = 'p4ss"wörd/\\ of the role';

function logOf(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const lines: string[] = [];
  createLog(
    'debug',
    (line) => lines.push(line),
    () => new Date(),
  ).info('something happened', fields);
  return lines;
}

it.each([
  ['as it is', { said: `FATAL: ${PASSWORD}` }],
  ['inside of an error', { error: new Error('failed', { cause: new Error(PASSWORD) }) }],
  ['in base64', { stdin: Buffer.from(PASSWORD).toString('base64') }],
  ['in a URL', { url: `postgres://a:${encodeURIComponent(PASSWORD)}@db/x` }],
])('a credential in a log fails the test that made it: %s', (_, fields) => {
  for (const body of [
    { database: { password: PASSWORD } },
    JSON.stringify([{ password: PASSWORD }]),
    new URLSearchParams({ password: PASSWORD }).toString(),
  ]) {
    const secrets = watchForSecrets();
    secrets.note(body);
    expect(() => secrets.check(logOf(fields))).toThrow('credentials in the log');
  }
});

it('a line of a private key fails it, too', () => {
  const line = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz';
  const secrets = watchForSecrets();
  secrets.note({ sshPrivateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${line}\n-----END\n` });
  expect(() => secrets.check(logOf({ line }))).toThrow('credentials in the log');
});

it('other fields of a request may stand in a log', () => {
  const secrets = watchForSecrets();
  secrets.note({ name: 'orders of 2026', password: PASSWORD });
  secrets.check(logOf({ name: 'orders of 2026' }));
});
