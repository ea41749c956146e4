import { describe, expect, it } from 'vitest';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';

type Target = Parameters<typeof restorePostgres>[0];

function planOf(change: Partial<Target> = {}) {
  return restorePostgres({
    ...{ host: 'db.example.com', port: 5432, databaseName: null, username: 'restorer', password: 'x' },
    ...{ options: postgres.options.parse({}), newName: 'new ü', token: 't', format: 'plain' },
    ...{ serverVersion: '15.20', clientVersion: '17.2', expectedBytes: null, needs: null },
    ...change,
  });
}

/** What the look at a host prints that all is well on. */
const USUAL = {
  psql: 'psql (PostgreSQL) 17.11',
  pg_restore: 'pg_restore (PostgreSQL) 17.11',
  facts: {
    ...{ version: '17.2', isStandby: false, isTaken: false, oid: null, user: 'restorer' },
    ...{ mayCreate: true, roles: null, extensions: null },
  },
};

interface Printed {
  readonly psql?: string;
  readonly pg_restore?: string;
  readonly facts?: object;
  readonly free?: string;
  readonly spool?: string;
}

function checksOf(change: Printed, target: Partial<Target> = {}) {
  const { psql, pg_restore: pgRestore, facts, free, spool }: Printed = { ...USUAL, ...change };
  const printed = [
    `bridgeport:psql=${psql}`,
    ...(pgRestore === '' ? [] : [`bridgeport:pg_restore=${pgRestore}`]),
    `bridgeport:facts=${JSON.stringify({ ...USUAL.facts, ...facts })}`,
    ...(free === undefined ? [] : [`bridgeport:free=${free}`]),
    ...(spool === undefined ? [] : [`bridgeport:spool=${spool}`]),
  ];
  return planOf(target).preflight.read(`${printed.join('\n')}\n`);
}

/** What `ROOM_OF` makes of a disk with 4 GiB free. */
const disk = (device: string, mountPoint: string) =>
  `4194304 8388608 ${device} 8388608 4194304 4194304 50% ${mountPoint}`;

const ARCHIVE = { format: 'custom' } as const;

describe('the look at a target of PostgreSQL', () => {
  it('is content with what is usual, for a plain dump and an archive', () => {
    for (const target of [{}, ARCHIVE]) {
      expect(checksOf({}, target).filter(({ ok }) => !ok)).toEqual([]);
    }
  });

  it.each<[string, Printed, Partial<Target>, object]>([
    [
      'a user without CREATEDB',
      { facts: { mayCreate: false } },
      {},
      {
        ...{ name: 'Rights', command: 'ALTER ROLE "restorer" CREATEDB;' },
        says: /“restorer” may not create databases.*: ALTER ROLE "restorer" CREATEDB;$/,
      },
    ],
    [
      'a user that is not there',
      { facts: { mayCreate: null } },
      {},
      {
        ...{ name: 'Rights', command: 'ALTER ROLE "restorer" CREATEDB;' },
        says: /may not create databases/,
      },
    ],
    ['a standby', { facts: { isStandby: true } }, {}, { name: 'Server', says: /a standby.*to its primary/ }],
    ['a name that is taken', { facts: { isTaken: true } }, {}, { name: 'Name', says: /“new ü” already/ }],
    ['no psql', { psql: '' }, {}, { name: 'Programs', says: /psql was not found.*postgresql-client/ }],
    [
      'a psql that knows no lock',
      { psql: 'psql (PostgreSQL) 15.13' },
      {},
      { name: 'Programs', obstacle: 'version', says: /15\.13 does not know \\restrict/ },
    ],
    [
      'a psql of long ago',
      { psql: 'psql (PostgreSQL) 9.6.24' },
      {},
      { name: 'Programs', obstacle: 'version', says: /9\.6\.24 does not know/ },
    ],
    ['no pg_restore', { pg_restore: '' }, ARCHIVE, { name: 'Programs', says: /pg_restore was not found/ }],
    [
      'a pg_restore that is too old',
      { pg_restore: 'pg_restore (PostgreSQL) 15.20' },
      ARCHIVE,
      {
        name: 'Programs',
        obstacle: 'version',
        says: /older than the pg_dump.*\(17\.2\).*postgresql-client-17/,
      },
    ],
    [
      'roles that are missing',
      { facts: { roles: ['a ü'] } },
      { needs: { roles: ['a ü'], extensions: [] } },
      { name: 'Roles', obstacle: 'role', says: /lacks a ü/ },
    ],
    [
      'extensions that are missing',
      { facts: { extensions: ['x'] } },
      { needs: { roles: [], extensions: ['x'] } },
      { name: 'Extensions', obstacle: 'extension', says: /lacks x/ },
    ],
  ])('tells of %s, and of nothing else', (_, change, target, { says, ...expected }: { says?: RegExp }) => {
    const failed = checksOf(change, target).filter(({ ok }) => !ok);
    expect(failed).toEqual([{ ...expected, ok: false, says: expect.stringMatching(says ?? /./) }]);
  });

  it.each([
    ['sh"op; DROP ROLE ü 🐘', '"sh""op; DROP ROLE ü 🐘"'],
    ["it's \\ :x $(id) `id`", `"it's \\ :x $(id) \`id\`"`],
    // What acts on a terminal, ends a line or can’t be seen is not pasted as it is.
    ['a"\\\n\u001b[2J', 'U&"a""\\\\\\+00000a\\+00001b[2J"'],
    ['\u202Epohs\u00A0👨\u200D👩', 'U&"\\+00202epohs\\+0000a0👨\\+00200d👩"'],
  ])('gives the command for a user as it is to be pasted: %j', (user, written) => {
    const rights = checksOf({ facts: { mayCreate: false, user } }).find(({ name }) => name === 'Rights');
    expect(rights?.command).toBe(`ALTER ROLE ${written} CREATEDB;`);
    expect(rights?.says.endsWith(rights.command ?? ' ')).toBe(true);
  });

  it('tells what it could not see from what it found well', () => {
    const unknown = (checks: ReturnType<typeof checksOf>) =>
      checks.filter(({ isUnknown }) => isUnknown === true).map(({ name, ok }) => `${name} ${ok}`);
    const known = { needs: { roles: [], extensions: [] }, expectedBytes: 1 };
    expect(unknown(checksOf({}))).toEqual(['Extensions true', 'Roles true', 'Room true']);
    expect(unknown(checksOf({}, { ...known, serverVersion: null }))).toEqual(['Server true', 'Room true']);
    const free = disk('/dev/sda1', '/');
    expect(unknown(checksOf({ free }, known))).toEqual([]);
    expect(unknown(checksOf({ free }, { ...known, expectedBytes: null }))).toEqual(['Room true']);
    const tooLarge = checksOf({ free }, { ...known, expectedBytes: 1024 ** 5 });
    expect(tooLarge.filter(({ ok }) => !ok)).toEqual([
      { name: 'Room', ok: false, says: expect.stringContaining('are needed') },
    ]);
    expect(unknown(tooLarge)).toEqual([]);
    const jobs = { ...ARCHIVE, ...known, jobs: 4, dumpBytes: 5 };
    const spool = disk('/dev/sda1', '/');
    expect(unknown(checksOf({ free, spool }, jobs))).toEqual([]);
    expect(unknown(checksOf({ free, spool }, { ...jobs, dumpBytes: null }))).toEqual(['Jobs true']);
    const notReckoned = { ...jobs, expectedBytes: null };
    expect(unknown(checksOf({ free, spool }, notReckoned))).toEqual(['Jobs true', 'Room true']);
    const onHost = { ...jobs, host: 'localhost' };
    expect(unknown(checksOf({ spool }, onHost))).toEqual(['Jobs true', 'Room true']);
  });

  it('warns of a psql whose lock can be opened, and of a server that is older than the dump', () => {
    const says = (name: string, change: Printed, target: Partial<Target> = {}) =>
      checksOf(change, target).find((check) => check.name === name);
    expect(says('Programs', { psql: 'psql (PostgreSQL) 17.10' })).toMatchObject({
      ok: true,
      says: expect.stringContaining('can be opened by a forged one'),
    });
    expect(says('Programs', {})?.says).toBe('psql 17.11.');
    const older = says('Server', { facts: { version: '14.2' } });
    expect(older).toMatchObject({
      ok: true,
      says: expect.stringContaining('may not know all that is in it'),
    });
    expect(says('Server', {})?.says).toBe('PostgreSQL 17.2; the dump is of 15.20.');
    expect(() => planOf().preflight.read('Welcome to this host!\n')).toThrow(/gave no usable answer/);
  });
});
