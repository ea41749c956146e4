import { expect, it } from 'vitest';
import { rolesOf } from '../../../src/engines/end-proof/postgres-roles.ts';

it.each([
  ['CREATE POLICY "only ""own""" ON hurt.guarded USING ((owner = CURRENT_USER));', []],
  [
    'CREATE POLICY p ON t FOR SELECT TO alice, "Bob ""x""" USING ((a = \'TO eve\'::text));',
    ['alice', 'Bob "x"'],
  ],
  ['CREATE POLICY p ON t TO PUBLIC WITH CHECK ((a IN ( SELECT "TO".x FROM "TO")));', []],
  ['GRANT SELECT("a.b") ON TABLE hurt."UPPER" TO reader WITH GRANT OPTION;', ['reader']],
  ['REVOKE ALL ON SCHEMA public FROM PUBLIC;', []],
  ['ALTER DEFAULT PRIVILEGES FOR ROLE ann IN SCHEMA x GRANT SELECT ON TABLES TO ben;', ['ann', 'ben']],
])('%s names %j', (statement, roles) => {
  expect(rolesOf(statement)).toEqual(roles);
});
