import { expect } from 'vitest';

/** Fields of requests and answers that no log may repeat, whoever sent them. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  ...['password', 'currentPassword', 'newPassword', 'secretKey', 'accessKey', 'sshPrivateKey', 'privateKey'],
  ...['token', 'csrf', 'MASTER_KEY', 'MASTER_KEY_PREVIOUS', 'JWT_SECRET', 'ADMIN_PASSWORD'],
]);
/** Shorter ones stand in other words by chance. */
const TELLING_CHARACTERS = 8;

/** Remembers the credentials of one app's requests and answers and looks for them in its log. */
export interface LogSecrets {
  /** A body: an object of any depth, or the text of a form or of JSON. */
  note(body: unknown): void;
  /** Fails where a line of the log holds a noted credential, as it is, escaped, in base64 or encoded for a URL. */
  check(log: readonly string[]): void;
}

export function watchForSecrets(): LogSecrets {
  const noted = new Set<string>();
  const note = (body: unknown): void => {
    const fields = typeof body === 'string' ? parsed(body) : body;
    if (typeof fields !== 'object' || fields === null) return;
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value !== 'string') note(value);
      else if (SECRET_FIELDS.has(name) && value.length >= TELLING_CHARACTERS) noted.add(value);
    }
  };
  return {
    note,
    check(log) {
      const text = log.join('\n');
      const leaked = [...noted].filter((secret) => formsOf(secret).some((form) => text.includes(form)));
      expect(
        leaked.map(
          (secret) => `${secret}: ${log.find((line) => formsOf(secret).some((form) => line.includes(form)))}`,
        ),
        'credentials in the log',
      ).toEqual([]);
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return Object.fromEntries(new URLSearchParams(text));
  }
}

/** Of a key of many lines each full one tells it. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/[\r\n]+/).filter((line) => line.length >= 32 && !line.startsWith('-----'));
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    encodeWellFormed(secret),
    ...(secret.includes('\n') ? lines : []),
  ];
}

function encodeWellFormed(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
