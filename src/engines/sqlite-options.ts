import { z } from 'zod';
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
  backupCompression: z.enum(['none', 'gzip', 'zstd']).default('none'),
  backupCompressionLevel: z.number().int().min(1).max(9).default(6),
});

export const sqliteFields: readonly EngineField[] = [
  {
    name: 'filePath',
    label: 'Database file',
    widget: 'text',
    help: 'The whole path, on the server chosen above.',
    required: true,
  },
  {
    name: 'backupCompression',
    label: 'Compression',
    widget: 'select',
    choices: [
      { value: 'none', label: 'none' },
      { value: 'gzip', label: 'gzip' },
      { value: 'zstd', label: 'zstd' },
    ],
  },
  {
    name: 'backupCompressionLevel',
    label: 'Compression level',
    widget: 'number',
    help: '1 is fastest, 9 is smallest.',
  },
];
