import type { ByHand } from '../engine.ts';

const PSQL = 'psql -X -q -v ON_ERROR_STOP=1 -d restored';
const PG_RESTORE = 'pg_restore -1 -d restored';
const CREATE = 'createdb -T template0 restored';
/** The last member of such an archive, which pg_restore itself never reads: measured with GNU tar 1.34 and busybox. */
const IS_WHOLE_TAR = 'tar -xOf - restore.sql >/dev/null';
const TAR =
  'Of a tar archive that was cut within the rows of its last table, or between its large objects, pg_restore keeps what came before and says that all is well: so tar looks for the archive’s last member first.';
const ROLES =
  'Roles are not part of a dump: create them first, or add --no-owner to pg_restore. Use programs of the version that you restore to, or newer ones.';
const PLAIN_NOTES = [
  'Take psql of 18.6, 17.11, 16.15, 15.19, 14.24 or later: older ones run shell commands that stand in a line \\unrestrict of the file.',
  'Roles are not part of a dump: create them first.',
];

/** Plain SQL goes through psql, archives through pg_restore, in one transaction; tar archives after a look at their end. */
export function postgresByHand(extension: string): ByHand | undefined {
  const endProof = END_PROOFS[extension];
  if (endProof === undefined) return undefined;
  if (extension === '.sql') {
    return {
      endProof,
      create: CREATE,
      fromFile: (file) => `${PSQL} -f ${file}`,
      fromInput: PSQL,
      notes: PLAIN_NOTES,
    };
  }
  return {
    endProof,
    create: CREATE,
    fromFile: (file) => `${PG_RESTORE} ${file}`,
    fromInput: PG_RESTORE,
    ...(extension === '.tar' ? { isWhole: IS_WHOLE_TAR } : {}),
    notes: extension === '.tar' ? [TAR, ROLES] : [ROLES],
  };
}

const END_PROOFS: Readonly<Record<string, string>> = {
  '.sql': 'the comment “PostgreSQL database dump complete”',
  '.dump': 'every block of the archive, walked to its end',
  '.tar': 'the two empty blocks that end a tar archive',
};
