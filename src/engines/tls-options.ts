import * as z from 'zod';
import type { EngineField } from './engine.ts';
import { problemOfCa } from './tls-ca.ts';

/** How the connection to a database server is protected. */
export interface TlsOptions {
  /** `encrypt` does not check whom it speaks to; `verify` checks the certificate's authority, name and dates. */
  readonly tlsMode: 'off' | 'encrypt' | 'verify';
  /** PEM: the one authority that counts when verifying; null: those that the database's host trusts. */
  readonly tlsCa: string | null;
}

export const TLS_MODES = ['off', 'encrypt', 'verify'] as const;

/** The mode that stored or given options mean: `useSsl` is how earlier versions, and the wire, say `encrypt`. */
export function tlsModeOf(options: {
  readonly tlsMode?: TlsOptions['tlsMode'] | null | undefined;
  readonly useSsl?: boolean | null | undefined;
}): TlsOptions['tlsMode'] {
  return options.tlsMode ?? (options.useSsl ? 'encrypt' : 'off');
}

/** Parses the fields of both engines that speak TLS. */
export const tlsShape = {
  useSsl: z.boolean().nullish(),
  tlsMode: z.enum(TLS_MODES).nullish(),
  tlsCa: z.string().nullish(),
};

/** The wire's columns for them. */
export const tlsColumns = {
  /** True: TLS is required. What of it is checked, `tlsMode` says; given alone, true keeps a mode that verifies. */
  useSsl: z.boolean().nullish(),
  tlsMode: z.enum(TLS_MODES).nullish(),
  tlsCa: z
    .string()
    .refine((text) => text.trim() === '' || problemOfCa(text) === null, {
      error: ({ input }) => problemOfCa(String(input)) ?? 'Must be a certificate as PEM',
    })
    .nullish(),
};

type TlsColumns = { readonly [Name in keyof typeof tlsColumns]?: z.infer<(typeof tlsColumns)[Name]> };

/** What a change makes of stored options: one truth about TLS, whichever of both columns was given. */
export function tlsAfter(stored: TlsColumns, change: TlsColumns): TlsColumns {
  const before = tlsModeOf(stored);
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

export function readTls(options: {
  readonly useSsl?: boolean | null | undefined;
  readonly tlsMode?: TlsOptions['tlsMode'] | null | undefined;
  readonly tlsCa?: string | null | undefined;
}): TlsOptions {
  return { tlsMode: tlsModeOf(options), tlsCa: options.tlsCa || null };
}

export const tlsFields: readonly EngineField[] = [
  {
    name: 'tlsMode',
    label: 'TLS to the database',
    widget: 'select',
    choices: [
      { value: 'off', label: 'if offered: encrypts where the server can, without checking whom' },
      { value: 'encrypt', label: 'encrypt only: does not check whom' },
      { value: 'verify', label: 'verify: checks the certificate and the host name' },
    ],
  },
  {
    name: 'tlsCa',
    label: 'Certificate authority',
    widget: 'textarea',
    help: 'For verify: the certificate (PEM) of the authority that signed the server’s. Blank: those that the host trusts.',
  },
];
