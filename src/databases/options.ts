import * as z from 'zod';
import { engineFor } from '../engines/engines.ts';
import { problemOfCa } from '../engines/tls-ca.ts';
import { TLS_MODES, tlsModeOf } from '../engines/tls-options.ts';
import { AppError } from '../errors.ts';
import { absolutePath, line } from '../fields.ts';

/**
 * The one place where the wire's flat fields (filePath, backupFormat, …) meet the JSON of `databases.options`. What a
 * field may hold beyond its type is the engine's to say.
 */
export const optionFields = z.object({
  filePath: line(1024).nullish(),
  /** True: TLS is required. What of it is checked, `tlsMode` says; given alone, true keeps a mode that verifies. */
  useSsl: z.boolean().nullish(),
  tlsMode: z.enum(TLS_MODES).nullish(),
  tlsCa: z
    .string()
    .refine((text) => text.trim() === '' || problemOfCa(text) === null, {
      error: ({ input }) => problemOfCa(String(input)) ?? 'Must be a certificate as PEM',
    })
    .nullish(),
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
  const before = parseOptions(stored);
  const options = { ...before, ...Object.fromEntries(given), ...tlsAfter(before, change) };
  const checked = engineFor(type)?.options.safeParse(options);
  if (checked !== undefined && !checked.success) {
    throw new AppError('invalid', 'Invalid input', { details: { issues: checked.error.issues } });
  }
  return JSON.stringify(options);
}

/** One truth about TLS, whichever of both fields was given. */
function tlsAfter(stored: Readonly<Record<string, unknown>>, change: OptionFields): Partial<OptionFields> {
  const before = tlsModeOf(optionFields.safeParse(stored).data ?? {});
  const byFlag = (useSsl: boolean) => (useSsl ? (before === 'verify' ? before : 'encrypt') : 'off');
  const mode =
    change.tlsMode !== undefined
      ? (change.tlsMode ?? 'off')
      : change.useSsl !== undefined
        ? byFlag(change.useSsl ?? false)
        : undefined;
  return {
    ...(mode === undefined ? {} : { tlsMode: mode, useSsl: mode !== 'off' }),
    ...(change.tlsCa === undefined ? {} : { tlsCa: change.tlsCa?.trim() || null }),
  };
}

/** The flat fields of the wire, with its defaults where nothing is stored. */
export function wireOptions(stored: string) {
  const options = optionFields.safeParse(parseOptions(stored)).data ?? {};
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

function parseOptions(stored: string): Readonly<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(stored));
}
