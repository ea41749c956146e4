import { describe, expect, it } from 'vitest';
import { freshForm } from '../../views/parts/form-state.ts';
import { LookedAt } from '../../views/restore/looked-at.tsx';
import { RestorePage } from '../../views/restore/restore-page.tsx';
import type { RestoreCheck, RestorePageProps } from '../../views/restore/restore-props.ts';

const COMMAND = 'ALTER ROLE "sh""op <b>" CREATEDB;';
const NO_RIGHTS = { name: 'Rights', ok: false, says: `It may not. Let it: ${COMMAND}`, command: COMMAND };

describe('what was looked at', () => {
  it('is not known where nobody could tell, and neither passed nor failed', () => {
    const checks = [
      { name: 'Name', ok: true, says: 'It is free.' },
      { name: 'Room', ok: true, isUnknown: true, says: 'It can’t be seen.' },
      { name: 'Rights', ok: false, says: 'There are none.' },
    ];
    const html = String(<LookedAt checks={checks} />);
    const lines = [
      ...html.matchAll(/<li class="([^"]*)">.*?<div>(\w+)<span class="visually-hidden">([^<]*)</g),
    ];
    expect(lines.map(([, look, name, word]) => [name, look, word])).toEqual([
      ['Name', 'check-passed', ': passed'],
      ['Room', 'check-unknown', ': not known'],
      ['Rights', 'check-failed', ': failed'],
    ]);
  });

  it('has a command once, apart from its sentence, to be copied', () => {
    const html = String(<LookedAt checks={[NO_RIGHTS]} />);
    expect(html).toContain('It may not. Let it:<div');
    const written = 'ALTER ROLE &quot;sh&quot;&quot;op &lt;b&gt;&quot; CREATEDB;';
    expect(html.split(written)).toHaveLength(2);
    expect(html).toMatch(/<code id="command-rights">ALTER.*data-copy="command-rights"/);
    // Of what was restored there is no such field.
    expect(html).not.toContain('href="#field-username"');
  });

  it('opens who signs in where that user lacks the rights, and leads there', () => {
    const page = (checks: readonly RestoreCheck[] | null) =>
      String(<RestorePage {...PROPS} checks={checks} />);
    const refused = page([NO_RIGHTS]);
    expect(refused).toMatch(/<details class="restore-login" open/);
    expect(refused).toContain('<a href="#field-username">Give another user</a>');
    expect(refused).toContain('id="field-username"');
    const other = { name: 'Room', ok: false, says: 'There is none.' };
    for (const checks of [null, [{ ...NO_RIGHTS, ok: true }], [other]]) {
      expect(page(checks)).not.toMatch(/<details class="restore-login" open|href="#field-username"/);
    }
  });
});

const BACKUP = {
  ...{ id: 'b', createdAt: '2026-01-01T00:00:00.000Z', bytes: 5, place: null },
  ...{ hasHash: true, verification: 'stored' as const },
};
const PROPS: Omit<RestorePageProps, 'checks'> = {
  frame: {
    user: { email: 'a@example.com', name: null, role: 'operator', mayChange: true, isAdmin: false },
    ...{ environments: [], environment: null, counts: {}, elsewhere: 0, flash: null, version: '1' },
    here: '/backups/b/restore',
  },
  backup: BACKUP,
  database: {
    ...{ id: 'd', name: 'shop', environmentName: 'live', engineName: 'PostgreSQL' },
    ...{ isFile: false, swaps: true },
  },
  ...{ selectsTables: false, takesJobs: false, servers: [], ownServerId: '', aboutSeconds: null },
  choices: { listed: [BACKUP], days: [], newestOf: new Map() },
  ...{ form: freshForm({ where: 'beside' }), proposed: {} },
};
