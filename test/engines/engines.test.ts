import { describe, expect, it } from 'vitest';
import { engineFor, engines } from '../../src/engines/engines.ts';

describe('the engines', () => {
  it('are found by their wire type and by nothing else', () => {
    expect(engines.map(({ type }) => engineFor(type)?.type)).toEqual(['postgres', 'mysql', 'sqlite']);
    for (const type of ['mongodb', 'redis', '', 'Postgres', 'constructor', '__proto__']) {
      expect(engineFor(type)).toBeUndefined();
    }
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
