import * as z from 'zod';
import { compressionFields, compressionOptions } from './compression-fields.ts';
import type { EngineField } from './engine.ts';

/** How to dump an SQLite database; the wire's own names and defaults. */
export interface SqliteOptions {
  /** Absolute, on the database's host. Checked when a dump is planned. */
  readonly filePath: string | null;
  readonly backupFormat: 'plain';
  readonly backupCompression: 'none' | 'gzip' | 'zstd';
  /** 1 (fast) to 9 (small), for gzip as for zstd. */
  readonly backupCompressionLevel: number;
}

export const sqliteOptions: z.ZodType<SqliteOptions> = z.object({
  filePath: z
    .string()
    .nullish()
    .transform((path) => path ?? null),
  backupFormat: z
    .literal('plain', { error: 'SQLite is dumped as SQL text: the format is plain.' })
    .default('plain'),
  ...compressionOptions,
});

export const sqliteFields: readonly EngineField[] = [
  {
    name: 'filePath',
    label: 'Database file',
    widget: 'text',
    help: 'The whole path, on the server chosen above.',
    required: true,
  },
  ...compressionFields(),
];
