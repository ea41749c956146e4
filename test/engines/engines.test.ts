import { describe, expect, it } from 'vitest';
import { databaseTypes, engineFor, engines, unsupportedType } from '../../src/engines/engines.ts';

describe('the engines', () => {
  it('back up PostgreSQL and SQLite, of the types that the contract knows', () => {
    expect(databaseTypes.map(({ type, supportsBackup }) => [type, supportsBackup])).toEqual([
      ['postgres', true],
      ['mysql', false],
      ['sqlite', true],
      ['mongodb', false],
      ['redis', false],
    ]);
  });

  it('are found by their wire type and by nothing else', () => {
    expect(engines.map(({ type }) => engineFor(type)?.type)).toEqual(['postgres', 'sqlite']);
    for (const type of ['mysql', 'redis', '', 'Postgres', 'constructor', '__proto__']) {
      expect(engineFor(type)).toBeUndefined();
    }
    expect(unsupportedType('redis')).toBe('Unsupported database type or missing configuration: redis');
  });

  it('declare form fields that their options know', () => {
    for (const engine of engines) {
      const parsed = engine.options.parse({});
      for (const { name } of engine.fields) expect(parsed).toHaveProperty(name);
    }
  });

  it('parse their options again, so that what a caller hands in is complete', () => {
    const nothing = { host: null, port: null, username: null, password: null };
    const plan = engineFor('postgres')?.dump({ ...nothing, databaseName: 'x', options: {} });
    expect(plan?.fileExtension).toBe('.sql');
  });
});
