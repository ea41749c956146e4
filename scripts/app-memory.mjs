/**
 * How the app is started so that it holds little memory; the Dockerfile says the same. Measured with `npm run bench`,
 * of four backups at once: the first takes 40 MiB off the peak, the second 30.
 */

/**
 * For glibc: one heap instead of one for each thread, and what is large (a part, a password's hash) given back to the
 * system when it is freed. By itself glibc raises that limit to the largest that was ever freed.
 *
 * @type {Readonly<Record<string, string>>}
 */
export const appEnvironment = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/**
 * For V8: a small space for young objects, of which a stream has few that live. What else spares memory is set while uploads hold parts
 * (src/node/hold-little-memory.ts). Collections have V8's threads: on one alone, those of the whole heap stood for up to 160 ms.
 *
 * @type {readonly string[]}
 */
export const appFlags = ['--max-semi-space-size=4'];
