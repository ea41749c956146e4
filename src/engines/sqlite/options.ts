import * as z from 'zod';
import { absolutePath, line } from '../../fields.ts';
import { compressionFields, compressionOptions } from '../compression-fields.ts';
import type { EngineField } from '../engine.ts';

/** How to dump an SQLite database; the wire's own names and defaults. */
export interface SqliteOptions {
  /** Absolute, on the database's host. Checked when a dump is planned. */
  readonly filePath: string | null;
  /** SQL text, or the database file itself. */
  readonly backupFormat: 'plain' | 'binary';
  /** Absolute: the folder on that host that a binary copy is made in, before it is sent; null leaves it to the app. */
  readonly backupScratchPath: string | null;
  readonly backupCompression: 'none' | 'gzip' | 'zstd';
  /** 1 (fast) to 9 (small), for gzip as for zstd. */
  readonly backupCompressionLevel: number;
}

export const SQLITE_FORMATS = ['plain', 'binary'] as const;

/** The wire's columns that are SQLite's own. */
export const sqliteColumns = {
  filePath: line(1024).nullish(),
  backupScratchPath: absolutePath.or(z.literal('')).nullish(),
};

const shape = {
  filePath: z
    .string()
    .nullish()
    .transform((path) => path ?? null),
  backupFormat: z
    .enum(SQLITE_FORMATS, {
      error: 'SQLite is dumped as SQL text (plain) or copied as a file (binary).',
    })
    .default('plain'),
  backupScratchPath: z
    .string()
    .nullish()
    .transform((path) => path || null),
  ...compressionOptions,
};

export const sqliteOptions: z.ZodType<SqliteOptions> = z.object(shape);
export const sqliteOptionNames = Object.keys(shape);

export const sqliteFields: readonly EngineField[] = [
  {
    name: 'filePath',
    label: 'Database file',
    widget: 'text',
    help: 'The whole path, on the server chosen above.',
    required: true,
  },
  {
    name: 'backupFormat',
    label: 'Format',
    widget: 'select',
    choices: [
      { value: 'plain', label: 'SQL text (plain)' },
      { value: 'binary', label: 'The database file itself (binary)' },
    ],
    help: 'SQL text needs no space on the server and proves that all of it could be read. Binary is for files that need collations or functions of their application; Test connection says which do.',
  },
  {
    name: 'backupScratchPath',
    label: 'Folder for the copy',
    widget: 'text',
    help: 'Binary only: where on the server the copy is made before it is sent; it takes as much space as the database. Blank: /var/tmp, and on the machine that BRIDGEPORT runs on the folder of the file.',
  },
  ...compressionFields(),
];
