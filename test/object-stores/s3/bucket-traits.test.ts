import { describe, expect, it } from 'vitest';
import { lockIn } from '../../../src/object-stores/s3/bucket-traits.ts';

const says = (text: string, status = 200) => lockIn({ status, headers: new Headers(), text });
const refuses = (code: string, status = 404) => says(`<Error><Code>${code}</Code></Error>`, status);
const rule = (inner: string) =>
  says(
    `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>${inner}</DefaultRetention></Rule></ObjectLockConfiguration>`,
  );

describe('what a bucket says of its object lock', () => {
  it('is how long it holds each new object, by days or years', () => {
    expect(rule('<Mode>COMPLIANCE</Mode><Days>30</Days>')).toEqual({
      mode: 'COMPLIANCE',
      retention: '30 days',
    });
    expect(rule('<Mode>GOVERNANCE</Mode><Years>1</Years>')).toEqual({
      mode: 'GOVERNANCE',
      retention: '1 year',
    });
  });

  it('is that it locks single objects where there is no default', () => {
    const enabled = '<ObjectLockEnabled>Enabled</ObjectLockEnabled>';
    expect(says(`<ObjectLockConfiguration>${enabled}</ObjectLockConfiguration>`)).toEqual({
      mode: 'enabled',
      retention: null,
    });
    // What no storage says of a mode or of days is not put onto a page.
    expect(rule('<Mode><script>x</script></Mode>')).toEqual({ mode: 'enabled', retention: null });
    expect(rule('<Mode>COMPLIANCE</Mode><Days>a lot</Days>')).toEqual({
      mode: 'COMPLIANCE',
      retention: null,
    });
  });

  it('is none where the storage says so, and unknown where it refuses, fails or says something else', () => {
    expect(refuses('ObjectLockConfigurationNotFoundError')).toBe('none');
    expect(says('<ObjectLockConfiguration/>')).toBe('none');
    expect(refuses('NoSuchBucket')).toBe('unknown');
    expect(refuses('AccessDenied', 403)).toBe('unknown');
    expect(refuses('NotImplemented', 501)).toBe('unknown');
    expect(says('<html>Sign in</html>')).toBe('unknown');
    expect(says('')).toBe('unknown');
    expect(lockIn(null)).toBe('unknown');
  });
});
