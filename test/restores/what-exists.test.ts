import { expect, it } from 'vitest';
import type { RestoreRow } from '../../src/db/schema.ts';
import { mayBeSwapped, NOTHING_REPLACED, replacedBy } from '../../src/restores/in-place.ts';
import { whatExists } from '../../src/restores/restores.ts';

const row: RestoreRow = {
  ...{ id: 'r', backup_id: 'b', database_id: 'd', environment_id: 'e', server_id: null, engine: 'postgres' },
  ...{ host: null, port: null, database_name: 'shop', options: '{}', new_name: 'shop ü"<script>' },
  ...{ is_name_ours: 1, load_options: null, is_drill: null, token: 'abc123', credentials: null },
  ...{ state: 'left', checks: null, counts: null, loaded_ms: null, removal_tries: 20 },
  ...{ removal_error: 'The disk is full.', asked_by_id: null, created_at: '', ended_at: null },
  ...NOTHING_REPLACED,
};

it('names the folder of the archive where what a restore by jobs has made could not be removed', () => {
  expect(whatExists({ ...row, load_options: '{"jobs":2}' })).toContain(
    'The disk is full. The archive for the jobs may still lie in /var/tmp/bp_restore_abc123 on the host.',
  );
  expect(whatExists(row)).not.toContain('/var/tmp');
  expect(whatExists({ ...row, engine: 'sqlite', load_options: '{"jobs":2}' })).not.toContain('/var/tmp');
  expect(whatExists({ ...row, state: 'removed', load_options: '{"jobs":2}' })).not.toContain('/var/tmp');
});

it('says of a restore that has not come to making anything that it has not yet, and of one that is over that it did not', () => {
  const going: RestoreRow = { ...row, state: 'none' };
  const over: RestoreRow = { ...going, ended_at: '2026-02-28T23:59:59.999Z' };
  expect(whatExists(going)).toBe('Nothing is made yet: the target is as it was.');
  expect(whatExists(over)).toBe('Nothing was made: the target is as it was.');
  expect(whatExists({ ...going, in_place: 1 })).toMatch(/^Nothing is made yet: “shop ü"<script>” is/);
  expect(whatExists({ ...over, in_place: 1 })).toMatch(/^Nothing was made: “shop ü"<script>” is/);
});

it('has only a restore in place that was found whole count as one whose swap may have come about', () => {
  const begun: RestoreRow = { ...row, in_place: 1, kept_name: '/srv/"ü" 🐘.db.before-20260228235959' };
  const may = (more: Partial<RestoreRow>) => replacedBy({ ...begun, ...more })?.mayBeSwapped;
  expect(may({ state: 'finishing' })).toBe(true);
  expect(may({ state: 'left', counts: '[]' })).toBe(true);
  expect(may({ state: 'left' })).toBe(false);
  expect(may({ state: 'loading', counts: '[]' })).toBe(false);
  expect(mayBeSwapped({ ...row, state: 'finishing' })).toBe(false);
});
