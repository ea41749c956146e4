import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
