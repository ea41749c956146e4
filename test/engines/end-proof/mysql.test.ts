import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newMysqlTextProof } from '../../../src/engines/end-proof/mysql-text.ts';
import { cutAt, isWhole } from '../proofs.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const END = `
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-01-01  1:01:01
`;
const HEADS = {
  'MariaDB with its sandbox': `/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)\n`,
  MariaDB: `-- MariaDB dump 10.19  Distrib 10.5.15-MariaDB, for debian-linux-gnu (x86_64)\n`,
  MySQL: `-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n`,
};
const TABLE = `--
-- Host: localhost    Database: shop
-- ------------------------------------------------------
CREATE TABLE \`t\` (
  \`DELIMITER ;;\` text
);
INSERT INTO \`t\` VALUES
('DELIMITER ;;\\n-- Dump completed\\n'),
('it\\'s');
`;
const ROUTINE = `DELIMITER ;;
CREATE PROCEDURE \`p\`()
BEGIN SELECT '${END}'; END ;;
DELIMITER ;
`;
const whole = (head: string): string => `${head}${TABLE}${ROUTINE}SET TIME_ZONE=@OLD_TIME_ZONE;${END}`;

describe('the end proof of MySQL’s text', () => {
  it('refuses a row that no server would read back', () => {
    const mebibyte = new Uint8Array(2 ** 20).fill(0x41);
    const finish = (mebibytes: number): (() => void) => {
      const proof = newMysqlTextProof();
      proof.observe(bytes(`${HEADS.MariaDB}INSERT INTO t VALUES (0x`));
      for (let n = 0; n < mebibytes; n += 1) proof.observe(mebibyte);
      proof.observe(bytes(`);\n${TABLE}SET TIME_ZONE=@OLD_TIME_ZONE;${END}`));
      return () => proof.finish();
    };
    expect(finish(1023)).not.toThrow();
    expect(finish(1024)).toThrow(/a statement of 1073741\d\d\d bytes/);
  });

  it('takes the end that newer tools of MariaDB write', () => {
    const end = `
/*M!100616 SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY */;

-- Dump completed on 2026-01-01  1:01:01
`;
    const dump = `${HEADS.MariaDB}${TABLE}SET TIME_ZONE=@OLD_TIME_ZONE;${end}`;
    expect(isWhole(newMysqlTextProof, [bytes(dump)])).toBe(true);
    expect(isWhole(newMysqlTextProof, [bytes(dump.slice(0, -1))])).toBe(false);
  });

  it.each(Object.entries(HEADS))('takes a whole dump of %s, however it is cut into chunks', (_name, head) => {
    const dump = bytes(whole(head));
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (places) => {
        expect(isWhole(newMysqlTextProof, cutAt(dump, places))).toBe(true);
      }),
    );
    expect(
      isWhole(
        newMysqlTextProof,
        [...dump].map((byte) => Uint8Array.of(byte)),
      ),
    ).toBe(true);
  });

  it('takes one without a date, and without routines', () => {
    expect(isWhole(newMysqlTextProof, [bytes(`${HEADS.MySQL}${TABLE}${END.replace(/ on .*/, '')}`)])).toBe(
      true,
    );
  });

  it('refuses one that was cut at any byte, also where a body of a routine holds the same end', () => {
    const dump = bytes(whole(HEADS.MariaDB));
    for (let length = 0; length < dump.length; length += 1) {
      expect(isWhole(newMysqlTextProof, [dump.subarray(0, length)])).toBe(false);
    }
  });

  it('refuses what follows the end or comes before the beginning, and what is none', () => {
    const dump = whole(HEADS.MySQL);
    for (const other of [`${dump}x`, `${dump}\n`, `Welcome!\n${dump}`, dump.slice(40), '', END]) {
      expect(isWhole(newMysqlTextProof, [bytes(other)])).toBe(false);
    }
  });
});
