import { describe, expect, it } from 'vitest';
import { missingPrivileges } from '../../src/engines/mysql/grants.ts';

describe('grants to a database whose name is written in another case', () => {
  const lines = ['GRANT USAGE ON *.* TO `u`@`%`', 'GRANT ALL PRIVILEGES ON `shop`.* TO `u`@`%`'];

  it('count where the server folds names', () => {
    expect(missingPrivileges(lines, { database: 'Shop', isMariadb: true, isFolded: true })).toEqual([]);
  });

  it('do not count elsewhere', () => {
    expect(missingPrivileges(lines, { database: 'Shop', isMariadb: true, isFolded: false })).toContain(
      'SELECT',
    );
  });
});
