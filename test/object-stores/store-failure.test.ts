import { expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { mayAppear, withLeftover } from '../../src/object-stores/s3/outcome.ts';
import { leaving, leftoverOf, StoreFailure } from '../../src/object-stores/store-failure.ts';

const LEFTOVER = { kind: 'upload', key: 'a b/ü"', uploadId: 'x', versionId: null } as const;

it('says all that the failure said, and what it left', () => {
  const error = new AppError('storage_denied', 'Not yours.', { details: { status: 403 } });
  const failure = leaving(error, LEFTOVER);
  expect(failure).toBeInstanceOf(StoreFailure);
  expect(failure).toMatchObject({ code: 'storage_denied', message: 'Not yours.', details: { status: 403 } });
  expect([leftoverOf(failure), leftoverOf(error), leftoverOf(new Error('x')), leftoverOf(null)]).toEqual([
    LEFTOVER,
    undefined,
    undefined,
    undefined,
  ]);
});

it('has the very failure as its cause, so that whoever threw it knows it again, also where nobody translated it', () => {
  const target = { bucket: 'backups', key: LEFTOVER.key };
  for (const error of [new AppError('dump_failed', 'broke'), new TypeError('not ours'), 'a text']) {
    expect(leaving(error, LEFTOVER).cause).toBe(error);
    expect(mayAppear(error, 'object', target).cause).toBe(error);
    expect(withLeftover(error, LEFTOVER, new Error('gone')).cause).toBe(error);
  }
});
