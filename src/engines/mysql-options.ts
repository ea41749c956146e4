import * as z from 'zod';
import { compressionFields, compressionOptions } from './compression-fields.ts';
import type { EngineField } from './engine.ts';

/** How to dump a MySQL or MariaDB database; the wire's own names and defaults. */
export interface MysqlOptions {
  readonly backupFormat: 'plain';
  readonly backupCompression: 'none' | 'gzip' | 'zstd';
  /** 1 (fast) to 9 (small), for gzip as for zstd. */
  readonly backupCompressionLevel: number;
  readonly useSsl: boolean;
}

export const mysqlOptions: z.ZodType<MysqlOptions> = z.object({
  backupFormat: z
    .literal('plain', { error: 'MySQL and MariaDB are dumped as SQL text: the format is plain.' })
    .default('plain'),
  ...compressionOptions,
  useSsl: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
});

export const mysqlFields: readonly EngineField[] = [
  { name: 'useSsl', label: 'Require TLS to the database', widget: 'checkbox' },
  ...compressionFields(),
];
