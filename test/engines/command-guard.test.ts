import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { whyForeign } from '../../src/engines/postgres/archive-statements.ts';
import { newCommandGuard } from '../../src/engines/postgres/command-guard.ts';
import { isAppError } from '../../src/errors.ts';

/** Whether the guard lets the text through, in chunks that end there. */
function passes(text: string | Uint8Array, cuts: readonly number[] = []): boolean {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const guard = newCommandGuard();
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  try {
    borders.slice(1).forEach((end, index) => {
      guard.observe(bytes.subarray(borders[index], end));
    });
    guard.finish?.();
    return true;
  } catch (error) {
    if (isAppError(error, 'dump_unsafe')) return false;
    throw error;
  }
}

const KEY = 'aB3'.repeat(21);
const ROWS = String.raw`COPY public.t (a, "b;\c") FROM stdin;
1	\\! touch /tmp/x \\unrestrict and ' " $a$ /* --
\N	\\.
\.

`;
const USUAL = String.raw`--
-- PostgreSQL database dump
--

\restrict ${KEY}

SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN true THEN 1 ELSE 2 END;
 SELECT 2;
END;
CREATE FUNCTION public."it's"() RETURNS text LANGUAGE plpgsql AS $_$ BEGIN RETURN '\! x' || $1 || E'\''; END $_$;
CREATE VIEW public.v AS SELECT 'a\b'::text, E'\\\\x\\'::text, ('x'::text || (1 - -1)) AS "a\b", (a / b), ar[1:n], ar[1:'-1'::integer], ar[1:COALESCE(n, 2)], ar["A"::int:"Ü b"], 'C:\d''q' FROM t;
COMMENT ON TABLE public.t IS 'ü 🙂 \! /* $x$ --';
${ROWS}SELECT pg_catalog.setval('public.s', 1, false);
${ROWS}
--
-- PostgreSQL database dump complete
--

\unrestrict ${KEY}

`;

describe('a dump as pg_dump writes it', () => {
  it('passes, cut into any chunks', () => {
    expect(passes(USUAL)).toBe(true);
    fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => passes(USUAL, cuts)));
    expect(
      passes(
        USUAL,
        Array.from({ length: USUAL.length }, (_, index) => index),
      ),
    ).toBe(true);
  });
});

it('locks psql by a key of its own, and blanks out the locks of the dump, in any chunks', () => {
  const blanked = USUAL.replaceAll(/^\\(?:un)?restrict \w+$/gm, (line) => ' '.repeat(line.length));
  expect(blanked).not.toBe(USUAL);
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => {
      const bytes = Buffer.from(USUAL);
      const guard = newCommandGuard();
      const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
      const sent = borders.slice(1).map((end, index) => guard.observe(bytes.subarray(borders[index], end)));
      expect(Buffer.concat(sent).toString()).toBe(blanked);
      // The proof of the dump's end still looks at them.
      expect(bytes.toString()).toBe(USUAL);
    }),
  );
  const keys = [newCommandGuard(), newCommandGuard()].map(({ first }) => Buffer.from(first ?? []).toString());
  expect(keys[0]).toMatch(/^\\restrict [a-f0-9]{32}\n$/);
  expect(keys[0]).not.toBe(keys[1]);
});

it('refuses a dollar quote whose tag goes on and on, before it has come', () => {
  const quoted = (letters: number) => `COMMENT ON TABLE public.t IS $${'a'.repeat(letters)}`;
  const ended = (letters: number) => `${quoted(letters)}$ it's; ${quoted(letters).slice(29)}$;\n`;
  expect(passes(ended(64))).toBe(true);
  expect(passes(ended(65))).toBe(false);
  expect(passes(quoted(65))).toBe(false);
});

/** What would have psql run `\! touch` if it were let through: `X` is the command. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ['alone', 'X\n'],
  ['behind a statement', 'SELECT 1; X\n'],
  ['within a statement', 'SELECT 1 X\n'],
  ['piped', 'SELECT 1 \\g |touch x\n'],
  ['with a key that runs programs', '\\restrict `touch x`\n'],
  ['freed with a key that runs programs', `\\restrict ${KEY}\n\\unrestrict \`touch x\`\n`],
  ['freed with an argument behind the key', `\\restrict ${KEY}\n\\unrestrict ${KEY} \`touch x\`\n`],
  ['after the key', `\\restrict ${KEY}\n\\unrestrict ${KEY}\nX\n`],
  ['freed twice', `\\restrict ${KEY}\n\\unrestrict ${KEY}\n\\unrestrict ${KEY}\n`],
  ['of another spelling', '\\RESTRICT abc\n'],
  ['behind an E string', "SELECT E'a\\'' ; X -- '\n"],
  ['behind a string of the other setting', "SELECT 'a\\'' ; X -- '\n"],
  ['behind a sign of two bytes', "SELECT E'a\x83\\\\' ' X\n"],
  ['behind comments in each other', "/* /* */ ' */ X '\n"],
  ['behind a carriage return', '-- a\rX\n'],
  ['behind a COPY that writes', "COPY (SELECT 1) TO '/dev/null';\nX\n\\.\n"],
  ['behind a COPY to stdin', 'COPY t TO stdin;\nX\n'],
  ['behind a COPY in a comment', 'COPY t TO STDOUT /* FROM stdin*/;\nX\n'],
  ['on the line of a COPY', 'COPY t FROM stdin; X\n\\.\n'],
  ['behind rows with carriage returns', 'COPY t FROM stdin;\n1\n\\.\r\nX\n\\.\n'],
  ['behind rows of another COPY', "copy t from stdin;\n'\n\\.\nX\n'\n"],
  ['behind rows of a COPY with options', "COPY t FROM STDIN (FORMAT csv);\n'\n\\.\nX\n'\n"],
  ['in parentheses', 'CREATE RULE r AS ON INSERT TO t DO (SELECT 1; COPY t FROM stdin;\nX\n\\.\n'],
  ['in a function', 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; COPY t FROM stdin;\nX\n\\.\n'],
  ['in a forged function', "CREATE E'x' FUNCTION BEGIN ; COPY t FROM stdin;\nX\n\\.\n"],
  ['in a function that seems over', 'CREATE FUNCTION f() BEGIN :end ; COPY t FROM stdin;\nX\n\\.\n'],
  ['behind a NUL', "SELECT 1 --\0'\nX\n'\n"],
  ['in dollars of an old psql', "SELECT 1$a$ ' $a$ X '\n"],
  ['in a variable of psql', 'SELECT 1 :SERVER_VERSION_NAME\n'],
  ['in a variable behind a cast', 'SELECT x:::USER\n'],
  ['in a variable as a text', "SELECT :'USER'\n"],
  ['in a variable as a name', 'SELECT 1 AS :"LAST_ERROR_MESSAGE"\n'],
  ['in a name with a dollar', "SELECT a$b$ ' $b$ X '\n"],
];

describe('a command of psql', () => {
  it.each(HOSTILE)('%s is refused, cut into any chunks', (_, text) => {
    const bytes = Buffer.from(text.replaceAll('X', '\\! touch /tmp/x'), 'latin1');
    expect(passes(bytes)).toBe(false);
    for (let cut = 1; cut < bytes.length; cut += 1) expect(passes(bytes, [cut])).toBe(false);
  });

  it('is refused wherever one is put into a dump outside of texts and rows', () => {
    const lines = USUAL.split('\n');
    const isRow = (index: number) => {
      const before = lines.slice(0, index);
      return before.lastIndexOf('\\.') < before.findLastIndex((line) => line.endsWith('FROM stdin;'));
    };
    const tried = lines.flatMap((_, index) => {
      if (isRow(index) || index > lines.length - 2) return [];
      return [passes([...lines.slice(0, index), '\\! touch /tmp/x', ...lines.slice(index)].join('\n'))];
    });
    expect(tried.length).toBeGreaterThan(20);
    expect(tried).not.toContain(true);
  });
});

const GRANTED = `SET SESSION AUTHORIZATION alice;
GRANT SELECT ON TABLE public.t TO bob;
REVOKE ALL(a) ON TABLE public.t FROM "bo""b" WITH GRANT OPTION;
RESET SESSION AUTHORIZATION;
`;

describe('a grant by somebody else than the owner', () => {
  it.each([
    GRANTED,
    GRANTED.repeat(2),
    GRANTED.replace('alice', '"Alice; COMMIT"'),
    GRANTED.replace('alice', '"default"'),
    GRANTED.replace('alice', `a${'_'.repeat(62)}`),
  ])('passes, cut into any chunks: %s', (text) => {
    expect(passes(text)).toBe(true);
    for (let cut = 1; cut < text.length; cut += 1) expect(passes(text, [cut])).toBe(true);
    expect(whyForeign(text, true)).toBeNull();
    expect(whyForeign(text)).not.toBeNull();
  });

  it.each([
    GRANTED.replace(/RESET.*\n/, ''),
    GRANTED.replace(/(?:GRANT|REVOKE) .*\n/g, ''),
    GRANTED.replace('alice', 'DEFAULT'),
    GRANTED.replace('alice', 'alice, "b"'),
    GRANTED.replace('SET', 'SET LOCAL'),
    GRANTED.replace('RESET', 'CREATE TABLE x (a int);\nRESET'),
    GRANTED.replace('RESET', 'SET SESSION AUTHORIZATION carol;\nRESET'),
    GRANTED.replace('RESET', 'SET row_security = off;\nRESET'),
    GRANTED.replace('RESET', 'GRANT postgres TO bob;\nRESET'),
    GRANTED.replace('RESET', 'BEGIN;\nCOMMIT;\nRESET'),
    GRANTED.replace('RESET', 'COPY public.t (a) FROM stdin;\n\\.\nRESET'),
  ])('with anything else is refused: %s', (text) => {
    expect(passes(text)).toBe(false);
    expect(whyForeign(text, true)).not.toBeNull();
  });
});

describe('COPY', () => {
  const afterRows = (statement: string) => passes(`${statement}\nCOMMIT; ' \\! x\n\\.\n`);
  it.each([
    'COPY t FROM stdin;',
    'COPY public.t  FROM stdin;',
    'COPY public.t (a, "b;"" (c", de_4) FROM stdin;',
    'COPY "P u"."t.""" ("a") FROM stdin;',
    'COPY public.t (a) WITH OIDS FROM stdin;',
    `COPY public.t (${Array.from({ length: 1600 }, (_, column) => `"c ${column}"`).join(', ')}) FROM stdin;`,
  ])('as pg_dump writes it has rows behind it: %s', (statement) => {
    expect(afterRows(statement)).toBe(true);
  });

  it.each([
    "COPY t (a) FROM PROGRAM 'true' WHERE a IS NOT DISTINCT FROM stdin;",
    "COPY t (a) FROM '/x' WHERE a IS NOT DISTINCT FROM stdin;",
    'COPY t (a) TO STDOUT FROM stdin;',
    'COPY t (a b) FROM stdin;',
    'COPY (SELECT 1) FROM stdin;',
    'COPY t /* */ FROM stdin;',
    'COPY t -- x\n FROM stdin;',
    'COPY $a$t$a$ FROM stdin;',
    "COPY 't' FROM stdin;",
    'COPY t - FROM stdin;',
  ])('in any other way is refused: %s', (statement) => {
    expect(afterRows(statement)).toBe(false);
  });
});

describe('what a server writes of an expression', () => {
  const bodyOf = (query: string) =>
    `CREATE FUNCTION public.f() RETURNS SETOF integer\n    LANGUAGE sql\n    BEGIN ATOMIC\n ${query};\n SELECT 2;\nEND;\n`;
  it.each([
    '( SELECT 1\n LIMIT 1)\nUNION ALL\n SELECT 2',
    '( SELECT 1 UNION\n SELECT CASE WHEN true THEN 3 END) EXCEPT\n SELECT 2',
    '((SELECT 1))',
  ])('passes as the body of a function: %s', (query) => {
    expect(passes(bodyOf(query))).toBe(true);
    expect(whyForeign(bodyOf(query))).toBeNull();
    expect(passes(bodyOf(`${query}; COMMIT`))).toBe(false);
    expect(passes(bodyOf(`${query}; END; DROP DATABASE x; SELECT 1 AS end`))).toBe(false);
  });

  it.each(['CASE WHEN b THEN 1 ELSE 2 END', 'case when b then 1 end', 'NULL::integer', 'COALESCE(n, 2)'])(
    'passes in a slice: %s',
    (expression) => {
      expect(passes(`CREATE VIEW v AS SELECT ar[1:${expression}] AS a FROM t;\n`)).toBe(true);
    },
  );

  it('is refused where psql would end a function before its end', () => {
    expect(passes(bodyOf('SELECT ar[1:CASE WHEN b THEN 1 ELSE 2 END]'))).toBe(false);
    for (const word of ['begin', 'end', 'END']) {
      expect(passes(`SELECT pg_catalog.setval(:${word});`)).toBe(false);
    }
  });
});

it('says of what pg_dump may write that the backup may be a good one', () => {
  const saidOf = (text: string) => {
    try {
      newCommandGuard().observe(Buffer.from(text));
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
    return '';
  };
  const may = 'pg_dump may write it, and then nothing is wrong with the backup';
  expect(saidOf("COMMENT ON TABLE t IS 'C:\\';\n")).toContain(may);
  expect(saidOf('CREATE VIEW v AS SELECT ar[1:"USER"] FROM t;\n')).toContain(may);
  expect(saidOf('COMMIT;\n')).toContain('pg_dump writes no such thing');
});

const OBJECTS = `BEGIN;

SELECT pg_catalog.lo_open('16385', 131072);
SELECT pg_catalog.lowrite(0, '\\x00ff');
SELECT pg_catalog.lo_close(0);

COMMIT;
`;

it('takes the transaction that pg_dump puts around large objects out of ours, and leaves it where there is none', () => {
  const text = USUAL.replace('--\n-- PostgreSQL database dump complete', (end) => `${OBJECTS}${end}`);
  const blanked = text
    .replaceAll(/^\\(?:un)?restrict \w+$/gm, (line) => ' '.repeat(line.length))
    .replaceAll(/^(?:BEGIN|COMMIT);$/gm, (line) => ' '.repeat(line.length));
  const sentBy = (isInTransaction: boolean, size: number) => {
    const guard = newCommandGuard(isInTransaction);
    const bytes = Buffer.from(text);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      Uint8Array.from(bytes.subarray(index * size, (index + 1) * size)),
    );
    return Buffer.concat(chunks.map((chunk) => Uint8Array.from(guard.observe(chunk)))).toString();
  };
  for (let size = 1; size < 40; size += 1) expect(sentBy(true, size)).toBe(blanked);
  expect(sentBy(true, 1 << 20)).toBe(blanked);
  expect(sentBy(false, 1 << 20)).toMatch(/\nBEGIN;\n[\s\S]*\nCOMMIT;\n/);
});

const DROP = 'DROP DATABASE neighbour;\n';
/** What would end the transaction of a restore, or reach beyond its database; the same in plain dumps and archives. */
const LEAVING: readonly string[] = [
  ...['COMMIT', 'COMMIT AND CHAIN', 'commit work', 'Commit/* ; */Transaction', 'END', 'end work', 'ABORT'],
  ...['ROLLBACK', 'ROLLBACK -- ;\n TO s', 'BEGIN', 'BEGIN ISOLATION LEVEL SERIALIZABLE', 'START TRANSACTION'],
  ...["PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'", "ROLLBACK PREPARED 'x'", 'SAVEPOINT s', 'RELEASE s'],
  ...['RESET SESSION AUTHORIZATION', 'RESET ROLE', 'SET SESSION AUTHORIZATION DEFAULT', 'SET ROLE postgres'],
  ...['SET LOCAL ROLE x', 'set session_authorization = x', 'SET "role" = x', 'SET TRANSACTION READ ONLY'],
  ...[
    'DISCARD ALL',
    "DO 'x'",
    'DO $$ x $$',
    'CALL p()',
    'VACUUM',
    "LOAD 'x'",
    'EXECUTE x',
    'LOCK t',
    'UPDATE t SET a = 1',
  ],
  ...[
    'DELETE FROM t',
    'WITH x AS (SELECT 1) SELECT 1',
    '(SELECT f())',
    'VALUES (f())',
    'SELECT f()',
    'NOTIFY x',
  ],
  ...[
    'SELECT pg_catalog.lo_export(1, $$x$$)',
    'SELECT "f"(pg_catalog.setval(1))',
    `SELECT "f"('x')`,
    `SET "role" = 'x'`,
    `GRANT "a" TO "on"`,
    'GRANT CONNECT, CONNECT, CONNECT, CONNECT, CONNECT, CONNECT, CONNECT ON DATABASE x TO y',
    'REVOKE ALL ON TABLESPACE x FROM y',
    "COMMENT ON ROLE x IS 'y'",
    "SECURITY LABEL FOR p ON ROLE x IS 'y'",
    '"x" COMMIT',
  ],
  ...[
    'DROP DATABASE x',
    'ALTER DATABASE x RENAME TO y',
    'CREATE DATABASE x',
    'drop/**/database x',
    'DROP ROLE x',
  ],
  ...[
    'CREATE USER x',
    'ALTER USER mapping SUPERUSER',
    'DROP USER x',
    'ALTER GROUP x ADD USER y',
    'DROP OWNED BY x',
  ],
  ...[
    "ALTER SYSTEM SET archive_command = 'x'",
    "CREATE TABLESPACE x LOCATION '/x'",
    'GRANT postgres TO x',
    'REVOKE x FROM y',
  ],
  ...['CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS $$x$$; COMMIT; SELECT 1 AS end'],
  ...['CREATE FUNCTION begin.atomic(OUT a int) RETURN 1; END'],
  ...['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS begin; END; COMMIT; SELECT 1 AS end'],
  ...['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS case; END; END'],
  ...['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; COMMIT; END'],
];

describe('a statement that leaves the transaction or the database', () => {
  it.each(LEAVING)('%s is refused in a plain dump, cut into any chunks', (statement) => {
    const text = `CREATE TABLE a (a int);\n${statement};\nCREATE TABLE b (a int);\n`;
    expect(passes(text)).toBe(false);
    for (let cut = 1; cut < text.length; cut += 1) expect(passes(text, [cut])).toBe(false);
  });

  it.each(LEAVING)('%s is refused in the table of contents of an archive', (statement) => {
    expect(whyForeign(`${statement};\n`)).not.toBeNull();
    expect(whyForeign(`COMMENT ON TABLE a IS 'x'; ${statement}`)).not.toBeNull();
  });

  it('is refused behind the transaction of large objects, and within it', () => {
    expect(passes(OBJECTS)).toBe(true);
    expect(passes(`${OBJECTS}${DROP}`)).toBe(false);
    expect(passes(OBJECTS.replace('\nCOMMIT', 'SELECT pg_catalog.setval(1, 2, false);\nCOMMIT'))).toBe(false);
    expect(passes(OBJECTS.replace('BEGIN;\n', ''))).toBe(false);
    expect(passes(OBJECTS.replace('BEGIN', 'begin'))).toBe(false);
    expect(passes(OBJECTS.replace('\nCOMMIT', '\n COMMIT'))).toBe(false);
  });

  it('is found in an archive whatever a backslash means in it, and none is where pg_dump wrote one', () => {
    expect(whyForeign(String.raw`COMMENT ON TABLE a IS 'C:\';`)).toBeNull();
    expect(whyForeign(String.raw`COMMENT ON TABLE a IS '\''; COMMIT; --';`)).toBe('commit');
    expect(whyForeign(String.raw`COMMENT ON TABLE a IS E'\'; COMMIT; --';`)).toBeNull();
    expect(whyForeign(`COMMENT ON TABLE a IS E'ü\\'; COMMIT; --';`)).not.toBeNull();
    expect(whyForeign('CREATE FUNCTION f() AS $a$; COMMIT; $b$ $a$; /* /* */ ; COMMIT; */')).toBeNull();
    expect(whyForeign('CREATE RULE r AS ON INSERT TO a DO (SELECT 1; SELECT 2);')).toBeNull();
    const body = 'BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n (SELECT 2);\nEND';
    expect(whyForeign(`CREATE FUNCTION f() RETURNS int LANGUAGE sql\n    ${body};\n`)).toBeNull();
  });
});
