import { describe, expect, it } from 'vitest';
import { type RoleMapping, roleOf, valuesAt } from '../../src/oidc/role-mapping.ts';

const mapping: RoleMapping = {
  roleClaim: 'groups',
  adminValues: ['backup admins', 'cn=admins,ou=groups,dc=example,dc=com'],
  operatorValues: ['operators', 'Größe 🗝'],
  viewerValues: ['staff'],
  others: 'refused',
};

describe('the role that a provider gives', () => {
  it.each([
    [['staff', 'backup admins', 'operators'], 'admin'],
    [['staff', 'operators'], 'operator'],
    [['staff'], 'viewer'],
    ['staff', 'viewer'],
    [['cn=admins,ou=groups,dc=example,dc=com'], 'admin'],
    [['Größe 🗝'], 'operator'],
    // As they are spelled: a group `Backup Admins` that anybody may make is another one.
    [['Backup Admins', ' backup admins', 'backup admins '], null],
    [['backup', 'admins'], null],
    ['backup admins operators', null],
    [[], null],
    [[['backup admins']], null],
    [[{ name: 'backup admins' }], null],
    [{ 'backup admins': true }, null],
    [null, null],
    [undefined, null],
  ])('is the highest of %j: %s', (groups, role) => {
    expect(roleOf(mapping, { groups })).toBe(role);
    expect(roleOf({ ...mapping, others: 'viewer' }, { groups })).toBe(role ?? 'viewer');
  });

  it('is none of the provider’s where no value is entered', () => {
    const empty = { ...mapping, adminValues: [], operatorValues: [], viewerValues: [] };
    expect(roleOf(empty, { groups: ['backup admins'] })).toBe('kept');
    expect(roleOf({ ...empty, others: 'viewer' }, {})).toBe('kept');
  });

  it('is not made up where the provider left the groups out, since they were too many', () => {
    const claims = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://x' } } };
    for (const left of [claims, { hasgroups: true }, { hasgroups: 'true' }]) {
      expect(() => roleOf({ ...mapping, others: 'viewer' }, left)).toThrow(/left the claim groups out/);
    }
    for (const odd of [{ toString: 1 }, ['true'], 'false', null]) {
      expect(roleOf(mapping, { hasgroups: odd })).toBe(null);
    }
  });
});

describe('a claim', () => {
  it.each([
    ['realm_access.roles', { realm_access: { roles: ['a', 'b'] } }, ['a', 'b']],
    ['resource_access.my.client.roles', { resource_access: { 'my.client': { roles: ['a'] } } }, ['a']],
    ['https://example.com/roles', { 'https://example.com/roles': ['a'] }, ['a']],
    ['a.b', { 'a.b': 'whole', a: { b: 'path' } }, ['whole']],
    ['isAdmin', { isAdmin: true }, ['true']],
    ['level', { level: [1, 2] }, ['1', '2']],
    ['a.b', { a: 'text' }, null],
    ['a.b', { a: null }, null],
    ['constructor.name', {}, null],
    ['__proto__', {}, null],
    ['toString', {}, null],
    ['groups.length', { groups: ['a', 'b'] }, ['2']],
  ])('%s is found by its name or path, and nowhere else', (path, claims, values) => {
    expect(valuesAt(claims, path)).toEqual(values);
  });
});
