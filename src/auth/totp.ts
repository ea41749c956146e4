import { Secret, TOTP } from 'otpauth';

/** What every authenticator app takes without being told (RFC 6238): SHA-1, six digits, half a minute. */
const SHAPE = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
const STEP_MS = SHAPE.period * 1000;
/** As the key of the hash: RFC 4226 recommends 160 bits. */
const SECRET_BYTES = 20;
/** Codes of the step before and after the present one are taken too: clocks differ, and typing takes time. */
const DRIFT_STEPS = 1;

/** A new random secret, in base32. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

/** What an authenticator app reads from a QR code. `account` tells one's accounts there apart. */
export function totpUri(secret: string, { issuer, account }: { issuer: string; account: string }): string {
  return new TOTP({ ...SHAPE, issuer, label: account, secret: Secret.fromBase32(secret) }).toString();
}

/** The number of the half minute since 1970. */
export function stepAt(now: Date): number {
  return Math.floor(now.getTime() / STEP_MS);
}

/** The step whose code it is, of those within so many of the present one; null for none. */
export function stepOfCode(secret: string, code: string, now: Date, within = DRIFT_STEPS): number | null {
  const totp = new TOTP({ ...SHAPE, secret: Secret.fromBase32(secret) });
  const delta = totp.validate({ token: code, timestamp: now.getTime(), window: within });
  return delta === null ? null : stepAt(now) + delta;
}

/** Whether that text could be a code at all: a recovery code could not. */
export function isCodeLike(text: string): boolean {
  return new RegExp(`^\\d{${SHAPE.digits}}$`).test(text);
}

/** What was typed, as codes are written: digits of any script, without spaces and hyphens, in lower case. */
export function plainCode(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/\p{Nd}/gu, (digit) => String(decimalOf(digit)))
    .replaceAll(/[\s\p{Pd}\p{Cf}]/gu, '')
    .toLowerCase();
}

/** Of a decimal digit: Unicode has those of a script in a row of ten, from zero, and such rows beside each other. */
function decimalOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let before = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(before - 1))) before -= 1;
  return (code - before) % 10;
}

/** What people compare their clocks with: to the second, in UTC. */
export function timeOf(now: Date): string {
  return `${now.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
