import { describe, expect, it } from 'vitest';
import { NotFetched } from '../../src/channels/guarded-fetch.ts';
import { explain, type Step } from '../../src/oidc/explain.ts';
import { issuerOf } from '../../src/oidc/issuer.ts';

const told = {
  step: 'token' as Step,
  issuer: 'https://auth.example.com/realms/main',
  clientId: 'bridgeport',
  redirectUri: 'https://backups.example.com/login/oidc/callback',
  now: new Date('2026-02-25T10:00:00.000Z'),
  secrets: ['the-secret', 'the-code', null, ''],
};
const ofLibrary = (name: string, fields: object) =>
  Object.assign(new Error('with the-code and a token'), { name, ...fields });

describe('what a provider answered', () => {
  it.each([
    [
      'invalid_client',
      'clientSecret',
      /Client id or secret are wrong, or the way they are sent: compare them/,
    ],
    ['unauthorized_client', 'clientSecret', /Client id or secret are wrong/],
    ['access_denied', null, /turned down there/],
    ['invalid_scope', 'scopes', /scopes entered here/],
    ['invalid_grant', null, /used already, or came too late/],
    [
      'redirect_uri_mismatch',
      null,
      /at the client bridgeport there, letter by letter: https:\/\/backups\.example\.com\/login\/oidc\/callback$/,
    ],
    ['__proto__', null, /answered “__proto__”\.$/],
    ['constructor', null, /answered “constructor”\.$/],
    ['', null, /answered “”\.$/],
    ['odd', null, /^auth\.example\.com answered “odd”\.$/],
  ])('%s is told with what to do', (error, at, sentence) => {
    const failure = explain(ofLibrary('ResponseBodyError', { error }), told);
    expect([failure.at, failure.message]).toEqual([at, expect.stringMatching(sentence)]);
    expect(failure.cause).toBeUndefined();
  });

  it('is quoted in one line, short, and without what is secret', () => {
    const description = `no\n<b>the-secret</b>\u0000\u202e "the-code"\t${'x'.repeat(5000)}`;
    const error = ofLibrary('AuthorizationResponseError', {
      error: 'server_error',
      error_description: description,
    });
    const { message } = explain(error, told);
    expect(message).toMatch(/^auth\.example\.com answered “server_error”: no <b>…<\/b> "…" x+…/);
    expect(message.length).toBeLessThan(350);
    expect(message).not.toMatch(/the-secret|the-code|[\p{Cc}\u202e]/u);
  });

  it.each([
    'OAUTH_RESPONSE_IS_NOT_CONFORM',
    'OAUTH_RESPONSE_IS_NOT_JSON',
    'OAUTH_PARSE_ERROR',
    'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
    'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
    'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
    'OAUTH_KEY_SELECTION_FAILED',
    'OAUTH_UNSUPPORTED_OPERATION',
    'OAUTH_HTTP_REQUEST_FORBIDDEN',
    'OAUTH_MISSING_SERVER_METADATA',
    'OAUTH_INVALID_RESPONSE',
    'OAUTH_TIMEOUT',
    'something else',
  ])('%s is a sentence of ours, whatever it was for', (code) => {
    for (const step of ['discovery', 'keys', 'answer', 'token', 'userinfo'] as const) {
      const failure = explain(ofLibrary('ClientError', { code }), { ...told, step });
      expect(failure.message).toMatch(/^.{40,330}[.?]$/);
      expect(failure.message).not.toMatch(/the-code|undefined|null|OAUTH/);
      expect(failure.cause).toBeUndefined();
    }
  });

  it('names the time here where a token is of another', () => {
    const error = ofLibrary('ClientError', { code: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED' });
    expect(explain(error, told).message).toContain('here it is 2026-02-25 10:00:00 UTC');
  });

  it('is what the network said where it did not come', () => {
    expect(explain(new NotFetched('It did not answer.'), told).message).toBe('It did not answer.');
  });
});

describe('an issuer', () => {
  it.each([
    ['https://auth.example.com', 'https://auth.example.com'],
    ['  https://auth.example.com/  ', 'https://auth.example.com/'],
    [
      'https://auth.example.com/realms/main/.well-known/openid-configuration',
      'https://auth.example.com/realms/main',
    ],
    ['http://127.0.0.1:8080/x', 'http://127.0.0.1:8080/x'],
    ['http://localhost:8080', 'http://localhost:8080'],
    ['https://10.1.2.3/x', 'https://10.1.2.3/x'],
  ])('is taken from %s', (typed, issuer) => {
    expect(issuerOf(typed)).toEqual({ issuer });
  });

  it.each([
    ['auth.example.com', /https URL/],
    ['ftp://auth.example.com', /https URL/],
    ['javascript:alert(1)', /https URL/],
    ['http://auth.example.com', /this machine itself/],
    ['http://127.0.0.1.nip.io', /this machine itself/],
    ['http://10.1.2.3', /this machine itself/],
    ['https://me:secret@auth.example.com', /no user name/],
    ['https://auth.example.com/?x=1', /no \?/],
    ['https://auth.example.com/#x', /no \?/],
    ['https://169.254.169.254/latest', /never sent to/],
    ['https://[fd00:ec2::254]/', /never sent to/],
  ])('is not %s', (typed, why) => {
    expect(issuerOf(typed)).toEqual({ wrong: expect.stringMatching(why) });
  });
});
