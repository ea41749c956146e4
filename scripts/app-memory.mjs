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
 * For V8: a small space for young objects, of which a stream has few that live, code that is
 * compiled for its size, and collections without threads of their own, which took more time to begin than to end.
 *
 * @type {readonly string[]}
 */
export const appFlags = ['--optimize-for-size', '--single-threaded-gc', '--max-semi-space-size=4'];
