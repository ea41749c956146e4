import type { KnownFailure } from '../../known-failures.ts';

/** Of a restore in place of a file. */
export const IN_PLACE_FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: without a word: ([^\n]*)/,
    code: 'dump_failed',
    message: (path, free) =>
      `The program sqlite3 ended without a word while ${path} was replaced: it was killed, or the disk was full, so that its words could not be kept either (${free} are free beside the file now). See that there is room, and restore again.`,
  },
  {
    pattern: /bridgeport: in use: ([^\n]*)/,
    code: 'conflict',
    message: (path, who) =>
      `Nothing was replaced: ${path} stayed in use by ${who}. Stop the application and all else that has it open, and restore again.`,
  },
  {
    pattern: /bridgeport: not to be swapped: unmarked/,
    code: 'conflict',
    message: (path) =>
      `${path} is neither what it was nor what was restored: that was gone from its folder while it was written. What it was is kept whole beside it, and was not removed; copy it back by hand.`,
  },
  {
    pattern: /bridgeport: not to be swapped/,
    code: 'conflict',
    message: (path) =>
      `${path} is not the file any more that was there when the restore began: somebody has moved, removed or replaced it meanwhile. It was not touched, and what may be kept of it neither.`,
  },
  {
    pattern: /bridgeport: swapped already/,
    code: 'conflict',
    message: (path) => `What was restored has taken the place of ${path} already, and so is not removed.`,
  },
  {
    pattern: /bridgeport: neither kept nor restored: ([^\n]*)/,
    code: 'conflict',
    message: (path, folder) =>
      `Nobody can tell whether ${path} is what was restored: neither the file that was kept nor the folder of the restore is there any more. Look at its rows. If somebody moved the kept file, give it its name back; if ${path} is as it was, make the folder ${folder} with an empty file restored.sqlite in it, as the SSH user. Then clean up.`,
  },
  {
    pattern: /bridgeport: neither it nor its folder: ([^\n]*)/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (path, parent) =>
      `Neither ${path} nor the folder in which its restore was made is there: see whether the disk of ${parent} is mounted. If both are gone for good, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: kept name taken: ([^\n]*)/,
    code: 'conflict',
    message: (path, name) =>
      `Nothing was replaced: ${path} can’t be kept, there is ${name} already. It was not touched.`,
  },
  {
    pattern: /bridgeport: no copy could be kept/,
    code: 'dump_failed',
    message: (path, _detail, words) =>
      `Nothing was replaced: no whole copy of ${path} could be kept beside it. The host said: ${words}`,
  },
  {
    pattern: /bridgeport: no file can have two names in ([^\n]*)/,
    code: 'dump_refused',
    message: (path, folder) =>
      `${path} can’t be replaced: the file system of ${folder} knows no hard links. Restore beside it; the finished restore says how a person swaps the two.`,
  },
  {
    pattern: /database is locked|database is busy/,
    code: 'conflict',
    message: (path) => `Another program holds ${path} locked. Stop it, and try again.`,
  },
];
