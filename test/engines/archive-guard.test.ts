import { expect, it } from 'vitest';
import { newArchiveGuard } from '../../src/engines/postgres/archive-guard.ts';
import { isAppError } from '../../src/errors.ts';
import { cpuMsOf } from '../support/cpu-time.ts';

interface Entry {
  readonly id?: number;
  readonly kind: string;
  readonly name?: string;
  readonly definition?: string;
  readonly drop?: string;
  readonly copy?: string;
}

const integer = (value: number) => {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(value < 0 ? 1 : 0);
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
};
const text = (value: string) => Buffer.concat([integer(Buffer.byteLength(value)), Buffer.from(value)]);

/** The table of contents of a custom archive of version 1.14 (PostgreSQL 12 to 15). */
function archive(
  entries: readonly Entry[],
  [database, ofServer, ofDump] = ['shop', '15.18 (Debian)', '15.18'],
): Buffer {
  const entry = (of: Entry, index: number) => [
    ...[integer(of.id ?? index + 1), integer(of.copy === undefined ? 0 : 1), text('1259'), text('1')],
    ...[text(of.name ?? 'a'), text(of.kind), integer(2), text(of.definition ?? '')],
    ...[text(of.drop ?? ''), text(of.copy ?? ''), text('public'), text(''), text('heap'), text('alice')],
    ...[text('false'), integer(-1), Buffer.alloc(9)],
  ];
  return Buffer.concat([
    ...[Buffer.from('PGDMP'), Buffer.from([1, 14, 0, 4, 8, 1]), integer(0)],
    ...Array.from({ length: 7 }, () => integer(1)),
    ...[text(database ?? ''), text(ofServer ?? ''), text(ofDump ?? ''), integer(entries.length)],
    ...entries.flatMap(entry),
  ]);
}

/** The code of what the guard throws; null: it lets it through. */
function refusal(bytes: Buffer): string | null {
  try {
    newArchiveGuard('custom').observe(bytes);
    return null;
  } catch (error) {
    if (isAppError(error)) return error.code;
    throw error;
  }
}

const SEARCH_PATH = "SELECT pg_catalog.set_config('search_path', '', false);\n";
const GRANT = 'GRANT SELECT ON TABLE public.a TO bob;\n';
const GRANTED = `SET SESSION AUTHORIZATION alice;\n${GRANT}RESET SESSION AUTHORIZATION;\n`;
const OF_OBJECT = 'GRANT SELECT ON LARGE OBJECT 1 TO bob;\n';

const USUAL: readonly Entry[] = [
  { kind: 'ENCODING', definition: "SET client_encoding = 'UTF8';\n" },
  { kind: 'SEARCHPATH', definition: SEARCH_PATH },
  { kind: 'SEARCHPATH', definition: SEARCH_PATH.replace("''", "'a, \"it''s\"'") },
  { kind: 'SCHEMA', drop: '-- *not* dropping schema, since initdb creates it\n', name: 'public' },
  { kind: 'FUNCTION', drop: 'DROP FUNCTION public."it\'s; --x"("end" integer, text);\n' },
  { kind: 'OPERATOR', drop: 'DROP OPERATOR public.-> (NONE, integer);\n' },
  { kind: 'BLOB', name: '4242', drop: "SELECT pg_catalog.lo_unlink('4242');\n" },
  { kind: 'BLOB METADATA', name: '1..3', definition: '1\n2\n3\n', drop: '-- dummy' },
  { kind: 'RULE', drop: 'CREATE OR REPLACE VIEW public.v AS\nSELECT\n    NULL::integer AS "a;b";\n' },
  { kind: 'USER MAPPING', drop: 'DROP USER MAPPING IF EXISTS FOR alice SERVER s;\n' },
  { kind: 'ACL', definition: `${GRANT}${GRANTED}${GRANTED.replace('alice', '"of; ""two"""')}` },
  {
    kind: 'ACL',
    name: 'LARGE OBJECTS 1..2',
    definition: `${OF_OBJECT}${OF_OBJECT.replace('bob', '"b o b"')}`,
  },
  { kind: 'TABLE DATA', copy: 'COPY public.a ("a b", c) FROM stdin;\n' },
];

it.each(USUAL)('an entry as pg_dump writes it passes: %j', (entry) => {
  expect(refusal(archive([entry]))).toBeNull();
});

const HIDDEN = 'COMMIT; DROP DATABASE neighbour';
const HOSTILE: readonly Entry[] = [
  { kind: 'SEARCHPATH', definition: `${HIDDEN};\n` },
  { kind: 'SEARCHPATH', definition: `${SEARCH_PATH}${HIDDEN};\n` },
  { kind: 'SEARCHPATH', definition: SEARCH_PATH.replace("''", `'\\'; ${HIDDEN}; --'`) },
  { kind: 'FUNCTION', drop: `   /*ROLE bob SUPERUSER;${HIDDEN}--*/` },
  { kind: 'FUNCTION', drop: `--   \rROLE bob SUPERUSER;${HIDDEN}` },
  { kind: 'FUNCTION', drop: '-- x\nDROP ROLE bob;\n' },
  { kind: 'FUNCTION', drop: `DROP FUNCTION public.f(); ${GRANT}` },
  { kind: 'FUNCTION', drop: 'XXXX ROLE bob SUPERUSER;' },
  // What is open, the name of the owner would close.
  { kind: 'FUNCTION', drop: 'DROP FUNCTION public."f' },
  { kind: 'FUNCTION', drop: "DROP FUNCTION public.f('x" },
  { kind: 'FUNCTION', drop: 'DROP FUNCTION public.f $a$ x' },
  { kind: 'BLOB', name: `1 OWNER TO alice; ${HIDDEN}; --`, drop: "SELECT pg_catalog.lo_unlink('1');\n" },
  { kind: 'BLOB METADATA', definition: '1\n2x' },
  { kind: 'BLOB METADATA', definition: `${'1'.repeat(26)}x` },
  {
    kind: 'ACL',
    name: 'LARGE OBJECTS 1..2',
    definition: "COMMENT ON LARGE OBJECT 1 IS 'COMMIT /*LARGE OBJECT 1*/; x';\n",
  },
  { kind: 'ACL', definition: 'SET SESSION AUTHORIZATION alice;\n' },
  { kind: 'ACL', definition: `SET SESSION AUTHORIZATION alice;\n${GRANT}` },
  { kind: 'ACL', definition: 'SET SESSION AUTHORIZATION alice;\nRESET SESSION AUTHORIZATION;\n' },
  { kind: 'ACL', definition: GRANTED.replace('alice', 'DEFAULT') },
  { kind: 'ACL', definition: GRANTED.replace('GRANT', 'CREATE TABLE x (a int);\nGRANT') },
  { kind: 'ACL', definition: GRANTED.replace(GRANT, 'GRANT postgres TO bob;\n') },
  { kind: 'ACL', definition: 'RESET SESSION AUTHORIZATION;\n' },
  { kind: 'ACL', definition: 'SET search_path = x;\n' },
  { kind: 'TABLE', definition: GRANTED },
];

it.each(HOSTILE)('an entry that no pg_dump writes is refused: %j', (entry) => {
  expect(cpuMsOf(() => expect(refusal(archive([entry]))).toBe('dump_unsafe'))).toBeLessThan(1000);
});

it('a second search path is refused, and an entry with the number of another, or none', () => {
  const path = { kind: 'SEARCHPATH', definition: SEARCH_PATH };
  expect(refusal(archive([path, path]))).toBe('dump_unsafe');
  const table = { kind: 'TABLE', definition: 'CREATE TABLE a (a int);\n' };
  expect(refusal(archive([table, table]))).toBeNull();
  for (const id of [1, 0, -2]) expect(refusal(archive([table, { ...table, id }]))).toBe('dump_incomplete');
});

it.each(['\n', '\r'])('a version of several lines is refused, which would stand in a comment (%j)', (cut) => {
  const version = `1${cut}DROP DATABASE neighbour;`;
  expect(refusal(archive([], ['shop', version, '15']))).toBe('dump_unsafe');
  expect(refusal(archive([], ['shop', '15', version]))).toBe('dump_unsafe');
  // pg_restore says it nowhere, and a database may be called so.
  expect(refusal(archive([], [`sh${cut}op`, '15', '15']))).toBeNull();
});
