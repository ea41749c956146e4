import * as z from 'zod';
import { hasDotSegment } from './paths.ts';

/** Text of one line: what a person types as a name. Control characters would break logs, headers and file names. */
export const line = (most: number) =>
  z
    .string()
    .max(most)
    .refine((text) => !/\p{Cc}/u.test(text), { error: 'Must not hold control characters or line breaks' })
    .refine((text) => text.isWellFormed(), { error: 'Must be valid Unicode' });

export const nameField = line(100).refine((text) => text.trim() !== '', { error: 'Must not be empty' });

/** Credentials may hold any character but NUL, which no shell variable or protocol field can carry. */
export const secretField = (most: number) =>
  z
    .string()
    .max(most)
    .refine((text) => !text.includes('\u0000'), { error: 'Must not hold a NUL character' });

/** A name or an address, without what a shell, an option parser or a client's list of hosts would read in it. */
const HOST = /^(?!-)[\p{L}\p{M}\p{N}._:%[\]-]+$/u;

export const hostName = line(253).regex(HOST, {
  error: 'Must be a host name or an address: letters, digits, dots, hyphens, colons',
});

/** A host name, or the absolute path of a socket (PostgreSQL: of its folder). */
export const hostOrSocket = line(253).refine((text) => HOST.test(text) || /^\/[^,]*$/.test(text), {
  error: 'Must be a host name, an address, or the absolute path of a socket',
});

export const port = z.number().int().min(1).max(65_535);

/** An absolute path of one way to read it: no `.` and `..` segments. */
export const absolutePath = line(1024)
  .refine((path) => path.startsWith('/'), { error: 'Must be an absolute path, beginning with /' })
  .refine((path) => !hasDotSegment(path), { error: 'Must not hold . or .. segments' });

/** Keys have at most 1,024 bytes, of which the file name may need 180 (`databases/file-name.ts`). */
const MAX_PREFIX_BYTES = 1024 - 180;

/**
 * The beginning of an object key. Keys with `.` or `..` segments sign well but address another object, because URLs
 * are normalised on their way.
 */
export const keyPrefix = line(1024)
  .refine((prefix) => !prefix.startsWith('/'), { error: 'Must not begin with /' })
  .refine((prefix) => !prefix.includes('\\'), { error: 'Must not hold backslashes' })
  .refine((prefix) => !hasDotSegment(prefix), { error: 'Must not hold . or .. segments' })
  .refine((prefix) => !/[\uFFFE\uFFFF]/.test(prefix), { error: 'Must not hold U+FFFE or U+FFFF' })
  .refine((prefix) => new TextEncoder().encode(prefix).length <= MAX_PREFIX_BYTES, {
    error: `Must be at most ${MAX_PREFIX_BYTES} bytes, so that prefix and file name fit into a key`,
  });

/**
 * What S3-compatible storages call buckets, loosely: old buckets of AWS have upper-case letters, underscores and up to
 * 255 characters. The provider's own rules are its own to tell.
 */
export const bucketName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{2,254}$/, {
    error: 'Must be a bucket name: 3 to 255 letters, digits, dots, hyphens or underscores',
  })
  .refine((name) => !name.includes('..'), { error: 'Must not hold two dots in a row' });

/** A password as an account may have it, to sign in with; what a new one needs is in `auth/password-rules.ts`. */
export const passwordField = z.string().min(8).max(1024);
export const emailField = z.email().max(254);

/** A code of an authenticator app, or a recovery code, as people type them: with spaces and hyphens. */
export const codeField = line(64).refine((text) => text.trim() !== '', { error: 'Must not be empty' });
