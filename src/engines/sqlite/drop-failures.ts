import type { AppError } from '../../errors.ts';
import { ONLY_KEPT, ONLY_RESTORED } from '../drop.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';
import type { CommandFailure } from '../target.ts';

/** What a failed drop of the file of that path says, as an error for an admin; undefined when it says nothing known. */
export function explainSqliteDrop(
  failures: readonly KnownFailure[],
  path: string,
  failure: CommandFailure,
): AppError | undefined {
  return explainBy([...failures, ...COMMON], JSON.stringify(path), failure);
}

const nameTaken = (was: 'kept' | 'restored'): KnownFailure => ({
  pattern: /bridgeport: its name is taken/,
  code: 'conflict',
  field: 'mayBeGone',
  message: (path) =>
    `The file of that name is not the one that was ${was}: somebody has moved or replaced it. Nothing was removed; see on the host what became of it. If it is gone, say so (in the API: mayBeGone), and it counts as dropped; what is called ${path} now stays.`,
});

const registered = (was: 'kept' | 'restored'): KnownFailure => ({
  pattern: /bridgeport: is a database now: ([^\n]*)/,
  code: 'conflict',
  message: (path, file) =>
    `What was ${was} as ${path} is the file of a registered database now, ${file}. It was not removed.`,
});

const onlyCopy = (was: 'kept' | 'restored', of: string): KnownFailure => ({
  pattern: new RegExp(`bridgeport: the ${was} one is the only copy`),
  code: 'invalid',
  field: 'isOnlyCopy',
  message: (path) =>
    `It was not removed: ${path} is the only copy of ${of} Say so, too, to drop it (in the API: isOnlyCopy).`,
});

/** Of the drop of what a restore in place has replaced. */
export const KEPT_FAILURES: readonly KnownFailure[] = [
  nameTaken('kept'),
  {
    pattern: /bridgeport: the kept file is another/,
    code: 'conflict',
    message: (path) =>
      `The file of that name is not the one that was kept: somebody has moved or replaced it. It was not removed; look at ${path} on the host.`,
  },
  registered('kept'),
  onlyCopy('kept', ONLY_KEPT),
  {
    pattern: /bridgeport: nobody knows whether it was used/,
    code: 'conflict',
    field: 'isUnused',
    message: (path) =>
      `It was not removed: when ${path} was kept nobody could tell when it was written, so nobody knows whether somebody goes on with it. See on the host who has it open and when it was written; if nothing uses it, say so (in the API: isUnused).`,
  },
];

/** Of the drop of what a restore has made beside its database. */
export const MADE_FAILURES: readonly KnownFailure[] = [
  nameTaken('restored'),
  {
    pattern: /bridgeport: the restored file is another/,
    code: 'conflict',
    message: () =>
      'The file of that name is not the one that was restored, by its inode, its device and when it was made: somebody has moved or replaced it, or its disk was mounted anew. It was not removed; look at it on the host.',
  },
  registered('restored'),
  onlyCopy('restored', ONLY_RESTORED),
];

const COMMON: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: no folder: ([^\n]*)/,
    code: 'dump_refused',
    message: (path, folder) =>
      `${path} was not removed: its folder ${folder} is not there on the host, or the SSH user may not look into it. See whether its disk is mounted. If it is gone for good with all that was in it, make an empty one, as the SSH user, and drop it again.`,
  },
  {
    pattern: /bridgeport: no longer there/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (path) =>
      `${path} is no longer there under that name, so nothing was removed: somebody has moved or removed it, or its disk is not mounted. See on the host what became of it. If it is gone, say so (in the API: mayBeGone), and it counts as dropped.`,
  },
  {
    pattern: /bridgeport: kept in use: ([^\n]*)/,
    code: 'conflict',
    message: (path, who) => `It was not removed: ${path} is open in ${who}. End that first.`,
  },
  {
    pattern: /bridgeport: used since: ([^\n]*)/,
    code: 'conflict',
    message: (path, file) =>
      `It was not removed: ${file} was written after the restore, so that somebody seems to go on with ${path}. See on the host who does, and remove it there if nobody needs it.`,
  },
  {
    pattern: /bridgeport: unseen/,
    code: 'conflict',
    field: 'isUnused',
    message: (path) =>
      `It was not removed: the SSH user can’t see what other users’ processes have open, so nobody knows whether one of them has ${path} open. Have somebody look on the host as root, and say that nothing uses it (in the API: isUnused).`,
  },
];
