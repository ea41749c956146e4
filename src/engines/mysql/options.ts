import * as z from 'zod';
import { compressionFields, compressionOptions } from '../compression-fields.ts';
import type { EngineField } from '../engine.ts';
import { readTls, type TlsOptions, tlsFields, tlsShape } from '../tls-options.ts';

/** How to dump a MySQL or MariaDB database; the wire's own names and defaults. */
export interface MysqlOptions extends TlsOptions {
  readonly backupFormat: 'plain';
  readonly backupCompression: 'none' | 'gzip' | 'zstd';
  /** 1 (fast) to 9 (small), for gzip as for zstd. */
  readonly backupCompressionLevel: number;
}

const shape = {
  backupFormat: z
    .literal('plain', { error: 'MySQL and MariaDB are dumped as SQL text: the format is plain.' })
    .default('plain'),
  ...compressionOptions,
  ...tlsShape,
};

export const mysqlOptionNames = Object.keys(shape);
export const mysqlOptions: z.ZodType<MysqlOptions> = z
  .object(shape)
  .transform(({ useSsl, tlsMode, tlsCa, ...options }) => ({
    ...options,
    ...readTls({ useSsl, tlsMode, tlsCa }),
  }));

export const mysqlFields: readonly EngineField[] = [...tlsFields, ...compressionFields()];
