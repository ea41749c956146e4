import fc from 'fast-check';
import { Secret } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { hashOfRecoveryCode, newRecoveryCodes } from '../../src/auth/recovery-codes.ts';
import { isCodeLike, newTotpSecret, plainCode, stepAt, stepOfCode, totpUri } from '../../src/auth/totp.ts';
import { codeOf } from '../support/second-factor.ts';

const RFC_SECRET = new Secret({ buffer: new TextEncoder().encode('12345678901234567890').buffer }).base32;

describe('codes of an authenticator app', () => {
  it('are those of RFC 6238, cut to six digits', () => {
    const known = [
      ...([
        ['1970-01-01T00:00:59Z', '287082'],
        ['2005-03-18T01:58:29Z', '081804'],
      ] as const),
      ...([
        ['2033-05-18T03:33:20Z', '279037'],
        ['2603-10-11T11:33:20Z', '353130'],
      ] as const),
    ] as const;
    for (const [at, code] of known) expect([at, codeOf(RFC_SECRET, new Date(at))]).toEqual([at, code]);
    for (const [at, code] of known)
      expect(stepOfCode(RFC_SECRET, code, new Date(at))).toBe(stepAt(new Date(at)));
  });

  it('count for their own half minute and the one before and after, at any time, and never further away', () => {
    const instants = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });
    const property = fc.property(instants, fc.integer({ min: -20, max: 20 }), (now, delta) => {
      const secret = newTotpSecret();
      const code = codeOf(secret, new Date(Math.max(0, now.getTime() + delta * 30_000)));
      const found = stepOfCode(secret, code, now);
      if (Math.abs(delta) <= 1 && now.getTime() >= 60_000) expect(found).not.toBeNull();
      // One in a million codes is that of two steps.
      if (found !== null) expect(codeOf(secret, new Date(found * 30_000))).toBe(code);
      if (found !== null) expect(Math.abs(found - stepAt(now))).toBeLessThanOrEqual(1);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('are taken as people type them, and nothing else is one', () => {
    for (const typed of [
      '123456',
      ' 123 456 ',
      '123-456',
      '１２３４５６',
      '١٢٣٤٥٦',
      '۱۲۳۴۵۶',
      '१२३ ४५६',
      '𞥑𞥒𞥓𞥔𞥕𞥖',
      '12\u200b3456',
      '123–456',
    ]) {
      expect([typed, plainCode(typed), isCodeLike(plainCode(typed))]).toEqual([typed, '123456', true]);
    }
    for (const typed of [
      '',
      '12345',
      '1234567',
      '12345a',
      '<script>',
      '1e5',
      '-12345',
      '٣٤٥',
      '0x1234',
      '\u0000',
    ]) {
      expect([typed, isCodeLike(plainCode(typed))]).toEqual([typed, false]);
      expect(stepOfCode(newTotpSecret(), plainCode(typed), new Date())).toBeNull();
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(isCodeLike(plainCode(text))).toBe(/^\d{6}$/.test(plainCode(text)));
        expect(plainCode(plainCode(text))).toBe(plainCode(text));
      }),
    );
  });

  it('come from a secret of 160 bits that an app reads from the address, whatever the account is called', () => {
    const secret = newTotpSecret();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(newTotpSecret()).not.toBe(secret);
    const account = "o'brien+odd 🗝<script>:a@example.com";
    const uri = new URL(totpUri(secret, { issuer: 'BRIDGEPORT Storage (a.example)', account }));
    expect([uri.protocol, uri.host, uri.searchParams.get('secret')]).toEqual(['otpauth:', 'totp', secret]);
    expect(decodeURIComponent(uri.pathname)).toContain(account);
    expect(uri.searchParams.get('issuer')).toBe('BRIDGEPORT Storage (a.example)');
  });
});

describe('recovery codes', () => {
  it('are ten different ones, of which only hashes are kept, found however they are typed', async () => {
    const { codes, hashes } = await newRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const [at, code] of codes.entries()) {
      expect(code).toMatch(/^([a-hjkmnp-tv-z0-9]{4}-){3}[a-hjkmnp-tv-z0-9]{4}$/);
      expect(isCodeLike(plainCode(code))).toBe(false);
      expect(await hashOfRecoveryCode(` ${code.toUpperCase().replaceAll('-', ' ')}`)).toBe(hashes[at]);
      expect(hashes.join()).not.toContain(code.replaceAll('-', ''));
    }
  });
});
