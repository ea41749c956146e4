import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { createSlots } from '../../at-once.ts';
import { AppError } from '../../errors.ts';
import type { Passwords } from '../passwords.ts';
import { isCommonPassword } from './common-passwords.ts';

const argon2id = promisify<'argon2id', Argon2Parameters, Buffer>(argon2);

/** Of the four threads that files, names and compression share, and of the memory, sign-ins get half at most. */
const AT_ONCE = 2;
const WAITING = 100;

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane (about 30 ms). */
const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const SALT_BYTES = 16;

/**
 * Hashes as PHC strings, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, with Node's own argon2. Two at once; with a hundred
 * waiting the next throws `rate_limited`.
 */
export function createPasswords(): Passwords {
  const derive = queued();
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const tag = await derive({ ...PARAMETERS, message: password, nonce: salt });
      const { memory, passes, parallelism } = PARAMETERS;
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${toText(salt)}$${toText(tag)}`;
    },
    async verify(password, hash) {
      const known = hash === null ? null : parse(hash);
      // Without a hash the same work is done, so that the time does not tell whether the user exists.
      const { tag, ...parameters } = known ?? ABSENT;
      const derived = await derive({ ...parameters, message: password });
      return timingSafeEqual(derived, tag) && known !== null;
    },
    isCommon: isCommonPassword,
  };
}

function queued(): (parameters: Argon2Parameters) => Promise<Buffer> {
  const slots = createSlots(AT_ONCE);
  return async (parameters) => {
    if (slots.waiting >= WAITING) throw tooMany();
    const release = await slots.take();
    try {
      return await argon2id('argon2id', parameters);
    } finally {
      release();
    }
  };
}

function tooMany(): AppError {
  return new AppError('rate_limited', 'Too many people are signing in at this moment. Try again shortly.', {
    details: { retryAfterSeconds: 5 },
  });
}

const ABSENT = { ...PARAMETERS, nonce: Buffer.alloc(SALT_BYTES), tag: Buffer.alloc(PARAMETERS.tagLength) };

function parse(hash: string): typeof ABSENT | null {
  const match = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([\w+/]{11,})\$([\w+/]{43})$/.exec(
    hash,
  );
  if (match === null) return null;
  const [, memory, passes, parallelism, salt = '', tag = ''] = match;
  const numbers = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  return {
    ...PARAMETERS,
    ...(numbers as typeof PARAMETERS),
    nonce: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

const toText = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
