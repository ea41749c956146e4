import * as z from 'zod';
import { compressionFields, compressionOptions } from '../compression-fields.ts';
import type { EngineField } from '../engine.ts';
import { readTls, type TlsOptions, tlsFields, tlsShape } from '../tls-options.ts';

/** How to dump a PostgreSQL database; the wire's own names and defaults. */
export interface PostgresOptions extends TlsOptions {
  readonly backupFormat: 'plain' | 'custom' | 'tar';
  readonly backupCompression: 'none' | 'gzip' | 'zstd';
  /** 1 (fast) to 9 (small), for gzip as for zstd. */
  readonly backupCompressionLevel: number;
  readonly pgDumpOptions: PgDumpOptions;
}

export interface PgDumpOptions {
  readonly noOwner: boolean;
  readonly clean: boolean;
  readonly ifExists: boolean;
  readonly schemaOnly: boolean;
  readonly dataOnly: boolean;
}

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

const pgDumpOptions = z
  .object({ noOwner: flag, clean: flag, ifExists: flag, schemaOnly: flag, dataOnly: flag })
  .refine((options) => !(options.schemaOnly && options.dataOnly), {
    error: 'Schema only and data only exclude each other: choose one of them.',
    path: ['dataOnly'],
  })
  .refine((options) => !(options.clean && options.dataOnly), {
    error: 'Data only can not be combined with clean, which drops and creates tables.',
    path: ['clean'],
  })
  .refine((options) => !options.ifExists || options.clean, {
    error: 'If exists only has a meaning together with clean.',
    path: ['ifExists'],
  });

export const POSTGRES_FORMATS = ['plain', 'custom', 'tar'] as const;

/** The wire's columns that are PostgreSQL's own. */
export const postgresColumns = {
  pgDumpOptions: z
    .object({
      noOwner: z.boolean().optional(),
      clean: z.boolean().optional(),
      ifExists: z.boolean().optional(),
      schemaOnly: z.boolean().optional(),
      dataOnly: z.boolean().optional(),
    })
    .nullish(),
};

const shape = {
  backupFormat: z.enum(POSTGRES_FORMATS).default('plain'),
  ...compressionOptions,
  pgDumpOptions: pgDumpOptions.nullish().transform((options) => options ?? { ...NO_OPTIONS }),
  ...tlsShape,
};

export const postgresOptionNames = Object.keys(shape);
export const postgresOptions: z.ZodType<PostgresOptions> = z
  .object(shape)
  .transform(({ useSsl, tlsMode, tlsCa, ...options }) => ({
    ...options,
    ...readTls({ useSsl, tlsMode, tlsCa }),
  }));

const NO_OPTIONS: PgDumpOptions = {
  noOwner: false,
  clean: false,
  ifExists: false,
  schemaOnly: false,
  dataOnly: false,
};

export const postgresFields: readonly EngineField[] = [
  ...tlsFields,
  {
    name: 'backupFormat',
    label: 'Format',
    widget: 'select',
    choices: [
      { value: 'plain', label: 'plain (SQL text)' },
      { value: 'custom', label: 'custom (pg_restore)' },
      { value: 'tar', label: 'tar (pg_restore)' },
    ],
    help: 'tar is assembled in the temporary folder of the database host: each table needs room there.',
  },
  ...compressionFields('gzip has no effect on the tar format.'),
  option('noOwner', 'Leave out owners', 'Restores without the roles of this server.'),
  option('clean', 'Drop objects before creating them', 'Plain SQL only; pg_restore has its own option.'),
  option('ifExists', 'Drop only what exists', 'Together with the one above.'),
  option('schemaOnly', 'Definitions only, no data'),
  option('dataOnly', 'Data only, no definitions'),
];

function option(name: keyof PgDumpOptions, label: string, help?: string): EngineField {
  return {
    name: `pgDumpOptions.${name}`,
    label,
    widget: 'checkbox',
    ...(help === undefined ? {} : { help }),
  };
}
