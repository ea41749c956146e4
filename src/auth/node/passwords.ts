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

/** What a hash costs: KiB of memory, and how often all of it is gone over. */
export interface PasswordCost {
  readonly memory: number;
  readonly passes: number;
}

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane (about 30 ms). */
const COST: PasswordCost = { memory: 19_456, passes: 2 };
const SHAPE = { parallelism: 1, tagLength: 32 } as const;
const SALT_BYTES = 16;

/**
 * Hashes as PHC strings, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, with Node's own argon2. Two at once; with a hundred
 * waiting the next throws `rate_limited`. Another cost is for tests, of which hashes are no part.
 */
export function createPasswords(cost: PasswordCost = COST): Passwords {
  const derive = queued();
  const parameters = { ...SHAPE, ...cost };
  const absent = { ...parameters, nonce: Buffer.alloc(SALT_BYTES), tag: Buffer.alloc(SHAPE.tagLength) };
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const tag = await derive({ ...parameters, message: password, nonce: salt });
      const { memory, passes, parallelism } = parameters;
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${toText(salt)}$${toText(tag)}`;
    },
    async verify(password, hash) {
      const known = hash === null ? null : parse(hash);
      // Without a hash the same work is done, so that the time does not tell whether the user exists.
      const { tag, ...rest } = known ?? absent;
      const derived = await derive({ ...rest, message: password });
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

interface KnownHash extends PasswordCost {
  readonly parallelism: number;
  readonly tagLength: number;
  readonly nonce: Buffer;
  readonly tag: Buffer;
}

function parse(hash: string): KnownHash | null {
  const match = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([\w+/]{11,})\$([\w+/]{43})$/.exec(
    hash,
  );
  if (match === null) return null;
  const [, memory, passes, parallelism, salt = '', tag = ''] = match;
  return {
    tagLength: SHAPE.tagLength,
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

const toText = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
