import { expect, it } from 'vitest';
import { hasDotSegment, isInside } from '../src/paths.ts';

it.each([
  ['/srv/data', '/srv/data', true],
  ['/srv/data/a b/ü.sql', '/srv/data', true],
  ['/srv/data/a', '/srv/data/', true],
  ['/srv//data/a', '/srv/data', true],
  ['/srv/database', '/srv/data', false],
  ['/srv', '/srv/data', false],
  ['/anything', '/', true],
])('%s lies inside %s: %s', (path, folder, isSo) => expect(isInside(path, folder)).toBe(isSo));

it.each([
  ['/a/../b', true],
  ['/a/.', true],
  ['..', true],
  ['/a/..b/.c', false],
])('%s holds a dot segment: %s', (path, isSo) => expect(hasDotSegment(path)).toBe(isSo));
