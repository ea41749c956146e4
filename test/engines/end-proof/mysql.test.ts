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
const LOG = 'CREATE TABLE `log` (\n  `x` int\n);\nINSERT INTO `log` VALUES (1);\n';
const whole = (head: string): string => `${head}${TABLE}${ROUTINE}SET TIME_ZONE=@OLD_TIME_ZONE;${END}`;

/** The rows of each table of a whole dump, by its name. */
function contentsOf(dump: string): Record<string, number | null> {
  const proof = newMysqlTextProof();
  proof.observe(bytes(dump));
  proof.finish();
  return Object.fromEntries((proof.contents?.()?.tables ?? []).map(({ name, rows }) => [name, rows]));
}

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

  it('counts nothing of a body, whatever it holds in its quotes and comments', () => {
    const hidden = [...['/*', '*/'], ...['`', '`'], ...["'it\\'s", "'"], ...['"it\'s', '"']];
    const bodies = [0, 2, 4, 6].map((at) => [hidden[at], hidden[at + 1]] as const);
    for (const [open, close] of bodies) {
      const inside = `DELIMITER ;;\nCREATE TRIGGER it\nDELIMITER ;\nINSERT INTO \`log\` VALUES (6);`;
      const trigger = `DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`it's\`@\`%\`*/ /*!50003 TRIGGER \`x\` AFTER INSERT ON \`t\` FOR EACH ROW BEGIN
-- it's one of two, "and
# that's the other \`
SELECT 2*3 - -1, ${open} How to make it again:
${inside}
${close} ;
INSERT INTO \`log\` VALUES (7);
INSERT INTO \`log\` VALUES (8);
END */;;
DELIMITER ;
`;
      expect(contentsOf(`${HEADS.MySQL}${TABLE}${trigger}${LOG}SET TIME_ZONE=@OLD_TIME_ZONE;${END}`)).toEqual(
        {
          log: 1,
          t: 2,
        },
      );
    }
  });

  it('reads the strings of a body by the mode that is set for it', () => {
    const modes = ['NO_BACKSLASH_ESCAPES', 'STRICT_TRANS_TABLES'];
    const strings = ["'\\'", "'\\''"];
    for (const [index, mode] of modes.entries()) {
      const routine = `/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = '${mode},ANSI_QUOTES' */ ;
DELIMITER ;;
CREATE PROCEDURE \`p\`()
BEGIN SELECT ${strings[index]} AS "a\\"; END ;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
${ROUTINE.replace('SELECT', "SELECT 'it\\'s';\nSELECT")}`;
      expect(contentsOf(`${HEADS.MySQL}${TABLE}${routine}${LOG}SET TIME_ZONE=@OLD_TIME_ZONE;${END}`)).toEqual(
        {
          log: 1,
          t: 2,
        },
      );
    }
  });

  it('takes names over several lines for what they are, wherever they stand', () => {
    for (const name of [
      'a\nDELIMITER ;;\nb',
      'a\nINSERT INTO ',
      'a\n/*',
      "a\n-- it's",
      'a``\nCREATE TABLE `` (',
    ]) {
      const odd = `DROP TABLE IF EXISTS \`${name}\`;
CREATE TABLE \`${name}\` (
  \`x\` int
);
LOCK TABLES \`${name}\` WRITE;
/*!40000 ALTER TABLE \`${name}\` DISABLE KEYS */;
INSERT INTO \`${name}\` VALUES (1);
/*!40000 ALTER TABLE \`${name}\` ENABLE KEYS */;
UNLOCK TABLES;
/*!50001 CREATE VIEW \`v\` AS SELECT 1 AS \`${name}\`, 'it\\'s
DELIMITER ;;' AS \`b\`*/;
`;
      expect(contentsOf(`${HEADS.MariaDB}${odd}${LOG}SET TIME_ZONE=@OLD_TIME_ZONE;${END}`)).toEqual({
        [name.replaceAll('``', '`')]: 1,
        log: 1,
      });
    }
  });

  it('refuses one that was cut at any byte, also where a name spells the end', () => {
    const name = END.replace(/ on .*/, '');
    const dump = `${HEADS.MySQL}DROP TABLE IF EXISTS \`${name}\`;
CREATE TABLE \`t\` (
  \`${name}\` int
);
INSERT INTO \`t\` (\`${name}\`) VALUES (1);
/*!50001 CREATE VIEW \`v\` AS SELECT '${name}', \`${name}\` FROM \`t\`*/;
SET TIME_ZONE=@OLD_TIME_ZONE;${END}`;
    for (let length = 0; length < bytes(dump).length; length += 1) {
      expect(isWhole(newMysqlTextProof, [bytes(dump).subarray(0, length)])).toBe(false);
    }
    expect(isWhole(newMysqlTextProof, [bytes(dump)])).toBe(true);
  });

  it('refuses what follows the end or comes before the beginning, and what is none', () => {
    const dump = whole(HEADS.MySQL);
    for (const other of [`${dump}x`, `${dump}\n`, `Welcome!\n${dump}`, dump.slice(40), '', END]) {
      expect(isWhole(newMysqlTextProof, [bytes(other)])).toBe(false);
    }
  });
});
