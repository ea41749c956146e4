import * as z from 'zod';
import { compressionColumns } from './compression-fields.ts';
import { POSTGRES_FORMATS, postgresColumns } from './postgres/options.ts';
import { SQLITE_FORMATS, sqliteColumns } from './sqlite/options.ts';
import { tlsColumns, tlsModeOf } from './tls-options.ts';

/**
 * The options that the contract has as columns of its own, of all engines in one flat list: it takes and shows them for
 * databases of any type. What each may hold is its engine's to say, and an option without a column here is one all the same.
 */
export const wireColumns = z.object({
  ...sqliteColumns,
  ...tlsColumns,
  backupFormat: z.enum([...POSTGRES_FORMATS, ...SQLITE_FORMATS]).optional(),
  ...compressionColumns,
  ...postgresColumns,
});

export type WireColumns = z.infer<typeof wireColumns>;

/** The columns of stored options, with the contract's defaults where nothing is stored. */
export function columnsOf(stored: Readonly<Record<string, unknown>>) {
  const options = wireColumns.safeParse(stored).data ?? {};
  return {
    filePath: options.filePath ?? null,
    useSsl: tlsModeOf(options) !== 'off',
    tlsMode: tlsModeOf(options),
    tlsCa: options.tlsCa ?? null,
    backupFormat: options.backupFormat ?? ('plain' as const),
    backupScratchPath: options.backupScratchPath || null,
    backupCompression: options.backupCompression ?? ('none' as const),
    backupCompressionLevel: options.backupCompressionLevel ?? 6,
    pgDumpOptions: options.pgDumpOptions ?? null,
  };
}
