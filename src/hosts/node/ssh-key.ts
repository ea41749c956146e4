import { createPrivateKey, type KeyObject } from 'node:crypto';
import { AppError } from '../../errors.ts';
import { opensshEd25519 } from './openssh-ed25519.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;

/**
 * The private key as ssh2 reads it, from what a person pasted: OpenSSH's own format and the old PEM ones are kept, PKCS#8
 * (`BEGIN PRIVATE KEY`, which ssh2 does not know) is written anew; byte order marks, indentation and lost line breaks are
 * mended. Throws `invalid` with a sentence that says what it is instead.
 */
export async function readSshKey(text: string): Promise<string> {
  const pem = plainPem(text);
  const readable = pem.includes('BEGIN PRIVATE KEY') ? fromPkcs8(pem) : pem;
  // Loaded on first use: a start without a backup does not pay for it.
  const { default: ssh2 } = await import('ssh2');
  const parsed = ssh2.utils.parseKey(readable);
  if (parsed instanceof Error) throw unreadable(parsed);
  if (![parsed].flat().every((key) => key.isPrivateKey())) throw refusal(IS_PUBLIC);
  return readable;
}

const IS_PUBLIC = 'It is the public half. Paste the private key, the file without .pub.';
const HAS_PASSPHRASE =
  'It is protected by a passphrase. Take a copy without one: ssh-keygen -p -N "" -f COPY_OF_THE_KEY';

/** One block of PEM with lines of 64 characters, headers of the old encrypted form aside. */
function plainPem(text: string): string {
  const whole = text.replaceAll('\u{feff}', '').trim();
  if (/^(ssh-|ecdsa-|sk-)\S+ AAAA|BEGIN (SSH2 )?PUBLIC KEY/.test(whole)) throw refusal(IS_PUBLIC);
  if (whole.startsWith('PuTTY-User-Key-File')) {
    throw refusal(
      "It is in PuTTY's format. In PuTTYgen choose Conversions > Export OpenSSH key, and paste that.",
    );
  }
  const blocks = [...whole.matchAll(BLOCK)];
  // `openssl ecparam -genkey` writes a block of parameters before the key.
  const [, label = '', body = ''] = blocks.find(([, kind]) => kind !== 'EC PARAMETERS') ?? [];
  if (!label.endsWith('PRIVATE KEY')) {
    throw refusal(
      'It is not whole: paste all of it, from its BEGIN line to its END line (not the .pub file).',
    );
  }
  if (label === 'ENCRYPTED PRIVATE KEY' || /Proc-Type: *4,ENCRYPTED/.test(body))
    throw refusal(HAS_PASSPHRASE);
  const lines = body.replaceAll(/\s+/g, '').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** Throws `invalid` for bytes that are no key, and for kinds that SSH does not know. */
function fromPkcs8(pem: string): string {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw refusal(
      'Between its BEGIN and END lines is no private key: some of it is missing or changed.',
      cause,
    );
  }
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return key.export({ format: 'pem', type: 'pkcs1' }).toString();
    case 'ec':
      return key.export({ format: 'pem', type: 'sec1' }).toString();
    case 'ed25519':
      return opensshEd25519(key);
    default:
      throw refusal(
        `SSH has no keys of the kind ${key.asymmetricKeyType}. Make one with ssh-keygen -t ed25519.`,
      );
  }
}

function unreadable(error: Error): AppError {
  if (/passphrase|encrypted/i.test(error.message)) return refusal(HAS_PASSPHRASE, error);
  return refusal(
    'Some of it is missing or changed, or it is of a kind that only OpenSSH itself reads (FIDO). Paste it again, whole; ssh-keygen -y -f FILE tells whether the file is sound.',
    error,
  );
}

function refusal(what: string, cause?: unknown): AppError {
  return new AppError('invalid', `The SSH key can't be read. ${what}`, {
    details: { field: 'sshPrivateKey', reason: what },
    ...(cause === undefined ? {} : { cause }),
  });
}
