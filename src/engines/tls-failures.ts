import { AppError } from '../errors.ts';
import type { CommandFailure } from './engine.ts';
import type { TlsOptions } from './tls-options.ts';

/**
 * What a failure of verified TLS says, as an error for an admin: an unknown authority, another name, a certificate out
 * of its dates, no TLS at all. Undefined where nothing of it is told.
 */
export function explainTls(
  { tlsMode, tlsCa }: TlsOptions,
  what: string,
  { exitCode, stderr }: CommandFailure,
): AppError | undefined {
  if (tlsMode !== 'verify') return undefined;
  const reason = reasonOf(stderr);
  if (reason === null) return undefined;
  const authorities = tlsCa === null ? nameOfSystem(stderr) : 'the certificate authority in its settings';
  return new AppError('dump_refused', `${what} was not connected to: ${SENTENCES[reason](authorities)}`, {
    details: { exitCode, stderr: stderr.slice(-2000) },
  });
}

type Reason = 'name' | 'expired' | 'early' | 'authority' | 'absent' | 'unknown' | 'none here';

const SENTENCES: Readonly<Record<Reason, (authorities: string) => string>> = {
  name: () =>
    'the certificate of its server is for another host name. Enter the host as the certificate names it, or give the server a certificate for this one.',
  expired: () => 'the certificate of its server has expired. Renew it there.',
  early: () => 'the certificate of its server is not valid yet. Check the clocks of both machines.',
  authority: (authorities) =>
    `the certificate of its server was not signed by ${authorities}. Give the right one in the settings (TLS), if the server is yours; otherwise somebody stands in between.`,
  absent: () =>
    'TLS is required and to be verified, but its server does not offer it. Give the server a certificate.',
  unknown: (authorities) =>
    `the certificate of its server could not be verified against ${authorities}: it is signed by another, out of its dates, or broken. On the host, \`openssl s_client -starttls\` says which.`,
  'none here': () =>
    'the host has no list of certificate authorities where systems keep it. Install its package ca-certificates, or give the authority in the settings.',
};

/** Numbers of X509_V_ERR_… (openssl verify(1)). */
const BY_NUMBER: Readonly<Record<string, Reason>> = {
  ...{ 9: 'early', 10: 'expired', 2: 'authority', 18: 'authority', 19: 'authority', 20: 'authority' },
  ...{ 21: 'authority', 27: 'authority', 62: 'name', 63: 'name', 64: 'name' },
};

const BY_WORDS: readonly (readonly [RegExp, Reason])[] = [
  [/bridgeport: no certificate authorities found/, 'none here'],
  [/server certificate for .* does not match host name|Validation of SSL server certificate failed/, 'name'],
  [/Hostname verification failed|ERROR 2026 .*(?:host ?name|hostname) mismatch/i, 'name'],
  [/certificate has expired/, 'expired'],
  [/certificate is not yet valid/, 'early'],
  [
    /self.signed certificate|unable to get (?:local )?issuer certificate|unable to verify the first/i,
    'authority',
  ],
  [/server does not support SSL|SSL is required, but the server does not support it|not encrypted/, 'absent'],
];

function reasonOf(stderr: string): Reason | null {
  const words = BY_WORDS.find(([pattern]) => pattern.test(stderr))?.[1];
  if (words !== undefined) return words;
  if (!/certificate verify failed|SSL error|ERROR 2026|[Ee]rror: 2026|root certificate/.test(stderr))
    return null;
  const number = /bridgeport: tls verify=(\d+)/.exec(stderr)?.[1] ?? '';
  return BY_NUMBER[number] ?? 'unknown';
}

function nameOfSystem(stderr: string): string {
  const file = /bridgeport: tls authorities=(\S+)/.exec(stderr)?.[1];
  if (file === undefined || file === 'system') return 'an authority that the host trusts';
  return `an authority that the host trusts (${file})`;
}
