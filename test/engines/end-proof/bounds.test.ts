import { describe, expect, it } from 'vitest';
import { newPlainDumpProof } from '../../../src/engines/end-proof/postgres-plain.ts';
import { newSqlScanner } from '../../../src/engines/end-proof/sql-scanner.ts';
import { newSqliteTextProof } from '../../../src/engines/end-proof/sqlite-text.ts';
import { cpuMsOf } from '../../support/cpu-time.ts';
import { liveMemory } from '../../support/live-memory.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const MIB = 2 ** 20;

describe('what is kept of a dump stays small', () => {
  const long = 'a_rather_long_name_of_a_table_';
  const big = 'z'.repeat(100_000);
  it.each([
    [
      'SQLite',
      newSqliteTextProof,
      'PRAGMA a;\n',
      (n: number) => `INSERT INTO ${long}${n} VALUES('${big}');\n`,
    ],
    [
      'PostgreSQL',
      newPlainDumpProof,
      '\n',
      (n: number) => `\nINSERT INTO public.${long}${n} VALUES ('${big}');\n`,
    ],
    [
      'PostgreSQL, of roles',
      newPlainDumpProof,
      '\n',
      (n: number) => `\nGRANT SELECT ON TABLE "${big}" TO ${long}${n};\n`,
    ],
  ])('of %s, with one long statement for each name', (_name, newProof, head, statement) => {
    const proof = newProof();
    proof.observe(bytes(head));
    const before = liveMemory().heapBytes;
    for (let n = 0; n < 100; n += 1) proof.observe(bytes(statement(n)));
    expect(liveMemory().heapBytes - before).toBeLessThan(3 * MIB);
    expect([...(proof.contents?.()?.tables ?? []), ...(proof.contents?.()?.roles ?? [])]).toHaveLength(100);
  });

  it('with names longer than any that somebody gave, of which nothing is told', () => {
    const proofOf = (letters: number) => {
      const proof = newSqliteTextProof();
      proof.observe(bytes(`PRAGMA a;\nINSERT INTO "${'ü'.repeat(letters)}" VALUES(1);\nCOMMIT;\n`));
      proof.finish();
      return proof.contents?.();
    };
    expect(proofOf(1024)?.tables).toMatchObject([{ name: 'ü'.repeat(1024), rows: 1 }]);
    expect(proofOf(1025)).toBeNull();
  });

  it('with a dollar tag that goes on and on, behind which no statement ends', () => {
    const isBetween = (text: string): boolean => {
      const scanner = newSqlScanner({ quotes: ["''", '""'], isPostgres: true });
      for (const byte of bytes(text)) scanner.observe(Uint8Array.of(byte));
      return scanner.isBetweenStatements();
    };
    const quoted = (letters: number) => {
      const tag = `$${'a'.repeat(letters)}$`;
      return `SELECT ${tag} it's ; ${tag};\n`;
    };
    expect(isBetween(quoted(64))).toBe(true);
    expect(isBetween(quoted(65))).toBe(false);
    expect(isBetween(`SELECT $${'a'.repeat(65)} ;\n`)).toBe(false);
  });
});

describe('an error that sqlite3 met', () => {
  const dump = (text: string) => () => {
    const proof = newSqliteTextProof();
    proof.observe(
      bytes(`PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\n${text}COMMIT;\n`),
    );
    proof.finish();
  };
  const error = '/**** ERROR: (11) database disk image is malformed *****/\n';
  const trigger = (inside: string) =>
    `CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; ${inside} INSERT INTO t VALUES(2); END;\n`;

  it('is told from a comment in a trigger, or one behind something else', () => {
    expect(dump(trigger('/**** ERROR: handled below ****/'))).not.toThrow();
    expect(dump(trigger(`\n${error}`))).not.toThrow();
    expect(dump(`CREATE VIEW v AS SELECT 1; ${error}`)).not.toThrow();
  });

  it('is found on a line of its own, also behind a trigger', () => {
    expect(dump(`INSERT INTO t VALUES(1);\n${error}`)).toThrow(/sqlite3 met an error/);
    expect(dump(`${trigger('')}${error}`)).toThrow(/sqlite3 met an error/);
    expect(dump(`-- x\n${error}`)).toThrow(/sqlite3 met an error/);
  });
});

describe('a trigger that ends in comments', () => {
  const contents = (end: string) => {
    const proof = newSqliteTextProof();
    const trigger = `CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1;\n${end};\n`;
    proof.observe(
      bytes(
        `PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\n${trigger}INSERT INTO t VALUES(1);\n`,
      ),
    );
    // An end that is none leaves the trigger open, and counts nothing of what follows.
    proof.observe(bytes('END;\nINSERT INTO t VALUES(2);\nCOMMIT;\n'));
    proof.finish();
    return proof.contents?.()?.tables.map(({ rows }) => rows);
  };

  it.each([
    ['/**/', 100_000],
    ['/*/**/', 100_000],
    ['--\n', 100_000],
    ['/*', 100_000],
    [' ', 400_000],
  ])('is read at once, however many there are: %j', (comment, times) => {
    const spentMs = cpuMsOf(() => expect(contents(`end${comment.repeat(times)}*/ x`)).toEqual([1]));
    expect(spentMs).toBeLessThan(2_000);
  });

  it('ends there, whatever stands in them', () => {
    for (const comments of ['', ' /* a ** b / */', '/***/ -- x */\n', "/*\n'; */\t", '/*/ * / **/']) {
      expect(contents(`END${comments}`)).toEqual([2]);
    }
    for (const more of [' x', '/* a */ x', '/**/ x /**/', 'less'])
      expect(contents(`end${more}`)).toEqual([1]);
  });
});
