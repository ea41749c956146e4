import { quote } from '../../hosts/quote.ts';
import { newCustomArchiveProof } from '../end-proof/postgres-custom.ts';
import { newPlainDumpProof } from '../end-proof/postgres-plain.ts';
import { newTarProof } from '../end-proof/tar.ts';
import type { ArchiveBlocks, Compression, DumpPlan, DumpShape, Engine } from '../engine.ts';
import { postgresByHand } from './by-hand.ts';
import { connectionLines, connectionSecrets, type PostgresTarget } from './connection.ts';
import { discoverPostgres } from './discover.ts';
import { explainPostgres } from './failures.ts';
import { lookAtPostgresLocks } from './locks.ts';
import { lookAtPostgres } from './look.ts';
import { type PostgresOptions, postgresFields, postgresOptionNames, postgresOptions } from './options.ts';
import { restorePostgres } from './restore.ts';
import { spoolOf } from './restore-jobs.ts';
import { FIND_PG_DUMP } from './tools.ts';

/** PostgreSQL by pg_dump, on the host that the database's server names. */
export const postgres: Engine<PostgresOptions> = {
  type: 'postgres',
  displayName: 'PostgreSQL',
  isFile: false,
  defaultPort: 5432,
  proposed: { backupFormat: 'custom', backupCompression: 'zstd' },
  options: postgresOptions,
  optionNames: postgresOptionNames,
  fields: postgresFields,
  shape,
  look: lookAtPostgres,
  dump,
  discover: discoverPostgres,
  byHand: postgresByHand,
  storedProof: (format, blocks) =>
    FORMATS[format === 'custom' || format === 'tar' ? format : 'plain'].newEndProof(blocks),
  restore: restorePostgres,
  selectsTablesOf: ['custom'],
  jobsOf: ['custom'],
  jobsFolder: spoolOf,
  swaps: true,
  adopts: true,
  // Not tar: where its last rows are cut off, pg_restore ends well, and commits those that came (measured: 15.18).
  liveOf: ['custom'],
};

function dump(target: PostgresTarget): DumpPlan {
  return {
    ...shape(target.options),
    command: { script: dumpScript(target), secrets: connectionSecrets(target) },
    newEndProof: () => FORMATS[target.options.backupFormat].newEndProof(),
    explain: (failure) => explainPostgres(target, failure),
    lockLook: lookAtPostgresLocks(target),
  };
}

/** Asks the server for its version only where a choice depends on it. */
function dumpScript(target: PostgresTarget): string {
  return `${connectionLines(target)}
${FIND_PG_DUMP}
find_pg_dump 0 || exit
newest=$chosen
find_pg_dump 1 || exit
if [ "$newest" != "$chosen" ]; then
  find_psql && ask_server || exit
  find_pg_dump "$server_major" || exit
fi
trusting "$pg_dump" ${pgDumpArguments(target.options).map(quote).join(' ')}`;
}

function pgDumpArguments(options: PostgresOptions): readonly string[] {
  const chosen = options.pgDumpOptions;
  return [
    `--format=${options.backupFormat}`,
    '--no-password',
    // Of the three formats only custom compresses by itself; the level is always named, since its default is gzip.
    ...(options.backupFormat === 'custom' ? [`--compress=${ownCompressionLevel(options)}`] : []),
    ...(chosen.noOwner ? ['--no-owner'] : []),
    ...(chosen.clean ? ['--clean'] : []),
    ...(chosen.clean && chosen.ifExists ? ['--if-exists'] : []),
    ...(chosen.schemaOnly ? ['--schema-only'] : []),
    ...(chosen.dataOnly ? ['--data-only'] : []),
  ];
}

function ownCompressionLevel(options: PostgresOptions): number {
  return options.backupCompression === 'gzip' ? options.backupCompressionLevel : 0;
}

function shape(options: PostgresOptions): DumpShape {
  const compression = compressionOf(options);
  const format = FORMATS[options.backupFormat];
  return {
    fileExtension: format.extension + SUFFIXES[compression.type],
    contentType: compression.type === 'none' ? format.contentType : `application/${compression.type}`,
    compression,
  };
}

/** gzip by us for plain only: custom does it itself, tar takes none (as the contract has it). */
function compressionOf(options: PostgresOptions): Compression {
  const { backupCompression: type, backupCompressionLevel: level } = options;
  if (type === 'none' || (type === 'gzip' && options.backupFormat !== 'plain')) return { type: 'none' };
  return { type, level };
}

const SUFFIXES = { none: '', gzip: '.gz', zstd: '.zst' } as const;

const FORMATS = {
  plain: {
    extension: '.sql',
    contentType: 'application/sql',
    newEndProof: (_?: ArchiveBlocks) => newPlainDumpProof(),
  },
  custom: { extension: '.dump', contentType: 'application/octet-stream', newEndProof: newCustomArchiveProof },
  tar: {
    extension: '.tar',
    contentType: 'application/x-tar',
    newEndProof: (_?: ArchiveBlocks) => newTarProof(),
  },
} as const;
