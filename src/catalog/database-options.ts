import * as z from 'zod';
import { engineFor } from '../engines/engines.ts';
import { AppError } from '../errors.ts';
import { absolutePath, line } from './fields.ts';

/**
 * The one place where the wire's flat fields (filePath, backupFormat, …) meet the JSON of `databases.options`. What a
 * field may hold beyond its type is the engine's to say.
 */
export const optionFields = z.object({
  filePath: line(1024).nullish(),
  useSsl: z.boolean().nullish(),
  backupFormat: z.enum(['plain', 'custom', 'tar', 'binary']).optional(),
  backupScratchPath: absolutePath.or(z.literal('')).nullish(),
  backupCompression: z.enum(['none', 'gzip', 'zstd']).optional(),
  backupCompressionLevel: z.number().int().min(1).max(9).optional(),
  pgDumpOptions: z
    .object({
      noOwner: z.boolean().optional(),
      clean: z.boolean().optional(),
      ifExists: z.boolean().optional(),
      schemaOnly: z.boolean().optional(),
      dataOnly: z.boolean().optional(),
    })
    .nullish(),
});

export type OptionFields = z.infer<typeof optionFields>;

/** Stored options with the given fields over them, checked by the engine. Throws `invalid` with the issues. */
export function mergeOptions(type: string, stored: string, change: OptionFields): string {
  const names = Object.keys(optionFields.shape);
  const given = Object.entries(change).filter(([name, value]) => names.includes(name) && value !== undefined);
  const options = { ...parseOptions(stored), ...Object.fromEntries(given) };
  const checked = engineFor(type)?.options.safeParse(options);
  if (checked !== undefined && !checked.success) {
    throw new AppError('invalid', 'Invalid input', { details: { issues: checked.error.issues } });
  }
  return JSON.stringify(options);
}

/** The flat fields of the wire, with its defaults where nothing is stored. */
export function wireOptions(stored: string) {
  const options = optionFields.safeParse(parseOptions(stored)).data ?? {};
  return {
    filePath: options.filePath ?? null,
    useSsl: options.useSsl ?? false,
    backupFormat: options.backupFormat ?? ('plain' as const),
    backupScratchPath: options.backupScratchPath || null,
    backupCompression: options.backupCompression ?? ('none' as const),
    backupCompressionLevel: options.backupCompressionLevel ?? 6,
    pgDumpOptions: options.pgDumpOptions ?? null,
  };
}

function parseOptions(stored: string): Readonly<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(stored));
}
