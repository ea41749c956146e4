import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../src/hosts/host.ts';
import { networksOf } from '../../src/hosts/networks.ts';
import { openSshHost } from '../../src/hosts/node/ssh.ts';
import { readSshKey } from '../../src/hosts/node/ssh-key.ts';
import { sshKeys } from '../../src/hosts/node/ssh-keys.ts';
import { createLog } from '../../src/log.ts';
import { textOf } from '../contracts/host.ts';
import { newSshKeys } from '../support/ssh-key.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';

const pkcs8 = (key: KeyObject) => key.export({ format: 'pem', type: 'pkcs8' }).toString();
const ed25519 = () => generateKeyPairSync('ed25519').privateKey;
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const publicOf = (key: KeyObject) => createPublicKey(key.export({ format: 'pem', type: 'pkcs8' }));

/** What ssh2 makes of the text; fails where it can't read it. */
async function parsed(text: string) {
  const key = ssh2.utils.parseKey(await readSshKey(text));
  if (key instanceof Error) throw key;
  return key;
}

async function refusal(text: string): Promise<string> {
  const error = await readSshKey(text).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'invalid', details: { field: 'sshPrivateKey' } });
  return error instanceof Error ? error.message : '';
}

describe('a private key', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());

  const { signal } = new AbortController();
  const withHost = <T>(privateKey: string, use: (host: Host) => Promise<T>): Promise<T> => {
    const host = openSshHost(
      {
        label: 'db1',
        hostname: '127.0.0.1',
        port: sshd.port,
        networks: networksOf([]),
        username: sshd.user,
        privateKey,
        hostKey: sshd.hostKey(),
        acceptNewHostKey: async () => false,
      },
      { readyTimeoutMs: 60_000 },
      createLog(
        'error',
        () => {},
        () => new Date(),
      ),
    );
    return use(host).finally(() => host.close());
  };
  const logIn = (privateKey: string) =>
    withHost(privateKey, (host) => textOf(host.run({ script: 'echo here' }, { signal })));
  /** What comes of a tunnel to the server's own port with that key. */
  const forwarded = async (privateKey: string) => {
    const client = new ssh2.Client();
    try {
      await new Promise<void>((done, failed) => {
        client.once('ready', () => done()).once('error', failed);
        client.connect({ host: '127.0.0.1', port: sshd.port, username: sshd.user, privateKey });
      });
      return await new Promise<string>((done) => {
        client.forwardOut('127.0.0.1', 1, '127.0.0.1', sshd.port, (error) => done(error?.message ?? 'open'));
      });
    } finally {
      client.end();
    }
  };
  /** Lets the key in, by its public half in OpenSSH's form. */
  const authorise = async (text: string) => {
    const key = await parsed(text);
    await sshd.insideHost(
      `echo '${key.type} ${key.getPublicSSH().toString('base64')}' >>/etc/ssh/authorized_keys`,
    );
  };

  it('is found after the parameters that openssl ecparam -genkey writes before it', async () => {
    const key = ec('prime256v1').export({ format: 'pem', type: 'sec1' }).toString();
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    expect(await readSshKey(parameters + key)).toBe(await readSshKey(key));
  });

  it.each([
    ['RSA', rsa],
    ['P-256', () => ec('P-256')],
    ['P-384', () => ec('P-384')],
    ['P-521', () => ec('P-521')],
    ['Ed25519', ed25519],
  ])('of the kind %s in PKCS#8 logs in', async (_, make) => {
    const text = pkcs8(make());
    expect(text).toContain('BEGIN PRIVATE KEY');
    await authorise(text);
    expect(await logIn(text)).toBe('here\n');
  });

  it.each([
    ['indented', (text: string) => text.replaceAll(/^/gm, '    ')],
    ['on one line', (text: string) => text.replaceAll('\n', ' ')],
    ['with the line ends of Windows', (text: string) => text.replaceAll('\n', '\r\n')],
    ['behind a byte order mark', (text: string) => `\u{feff}${text}`],
    ['between other lines', (text: string) => `# prod\n\n${text}\n\n`],
    ['without its last line break', (text: string) => text.trim()],
  ])('that was pasted %s logs in', async (_, paste) => {
    for (const text of [newSshKeys().private, pkcs8(ed25519())]) {
      await authorise(text);
      expect(await logIn(paste(text))).toBe('here\n');
    }
  });

  it('of the kind Ed25519 is written readably, whatever its bytes', async () => {
    for (let time = 0; time < 600; time += 1) {
      const key = ed25519();
      const read = await parsed(pkcs8(key));
      const signature = read.sign('a message');
      expect(verify(null, Buffer.from('a message'), publicOf(key), signature)).toBe(true);
      const half = `${read.type} ${read.getPublicSSH().toString('base64')}`;
      expect(await sshKeys.publicHalf(pkcs8(key))).toBe(half);
    }
  });

  it('that was made here logs in by its line, which restricts it to commands', async () => {
    const made = await sshKeys.make();
    const line = `restrict ${await sshKeys.publicHalf(made)} bridgeport-production`;
    await sshd.insideHost(`echo '${line}' >>/etc/ssh/authorized_keys`);
    const command = { script: 'cat; printf %s "$SECRET"', secrets: { SECRET: 'ß"\n' } };
    const input = (async function* () {
      yield Buffer.from('streamed ');
    })();
    expect(await withHost(made, (host) => textOf(host.run(command, { signal, input })))).toBe(
      'streamed ß"\n',
    );
    // The very process is ended where nobody reads any more, without a terminal.
    await withHost(made, async (host) => {
      for await (const _ of host.run({ script: 'echo; exec sleep 4711' }, { signal })) break;
    });
    await until('the remote process to end', 60_000, async () =>
      (await sshd.processes()).some((one) => one.includes('sleep 4711')) ? undefined : true,
    );
    expect(await forwarded(made)).toContain('open failed');
    expect(await forwarded(sshd.privateKey)).toBe('open');
  });

  it('that OpenSSH or PEM hold already is left as it is but for its line breaks', async () => {
    const pem = rsa().export({ format: 'pem', type: 'pkcs1' }).toString();
    expect(await readSshKey(pem)).toBe(pem);
    expect((await parsed(sshd.privateKey)).type).toBe('ssh-ed25519');
  });
});

describe('what is no usable private key is refused with what it is', () => {
  const passphrase = { cipher: 'aes-256-cbc', passphrase: 'pass' };
  it.each([
    ['a public key', () => newSshKeys().public, 'public half'],
    [
      'a public key in PEM',
      () => publicOf(ed25519()).export({ format: 'pem', type: 'spki' }).toString(),
      'public half',
    ],
    ['PuTTY’s format', () => 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n', 'PuTTYgen'],
    [
      'PKCS#8 with a passphrase',
      () =>
        rsa()
          .export({ format: 'pem', type: 'pkcs8', ...passphrase })
          .toString(),
      'passphrase',
    ],
    [
      'PEM with a passphrase',
      () =>
        rsa()
          .export({ format: 'pem', type: 'pkcs1', ...passphrase })
          .toString(),
      'passphrase',
    ],
    [
      'OpenSSH with a passphrase',
      () =>
        ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256, cipher: 'aes256-ctr', passphrase: 'p' }).private,
      'passphrase',
    ],
    ['half of a key', () => newSshKeys().private.slice(0, 200), 'not whole'],
    ['a cut body', () => pkcs8(rsa()).replace(/\n.{64}\n/, '\n'), 'missing or changed'],
    ['a cut OpenSSH body', () => newSshKeys().private.replace(/\n.{60,}\n/, '\n'), 'missing or changed'],
    ['X25519', () => pkcs8(generateKeyPairSync('x25519').privateKey), 'kind x25519'],
    ['no key at all', () => 'hunter2', 'not whole'],
  ])('%s', async (_, make, expected) => {
    const text = make();
    const message = await refusal(text);
    expect(message).toContain(expected);
    for (const line of text.split('\n').filter((part) => part.length > 20 && !part.includes('-----'))) {
      expect(message).not.toContain(line);
    }
  });
});
