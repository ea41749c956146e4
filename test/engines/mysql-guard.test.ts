import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newMysqlGuard } from '../../src/engines/mysql/guard/guard.ts';
import { isAppError } from '../../src/errors.ts';
import { cutAt } from './proofs.ts';

const HEAD = `/*M!999999\\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: 127.0.0.1    Database: shop; DROP DATABASE other
-- ------------------------------------------------------

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;

`;
const TAIL = `
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*M!100616 SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY */;

-- Dump completed on 2026-01-01  1:01:01
`;
const TABLE = `DROP TABLE IF EXISTS \`a;b\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE \`a;b\` (
  \`id\` int(11) NOT NULL DEFAULT (1 / 2),
  \`sel\`\`ect\` text COMMENT 'SELECT; it''s \\'quoted\\' \\\\ */ -- ' /*!80023 INVISIBLE */,
  CONSTRAINT \`fk\` FOREIGN KEY (\`id\`) REFERENCES \`b\` (\`id\`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
/*!50100 PARTITION BY RANGE (\`id\`)
(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB) */;
/*!40101 SET character_set_client = @saved_cs_client */;
/*!40000 ALTER TABLE \`a;b\` DISABLE KEYS */;
INSERT INTO \`a;b\` (\`id\`, \`sel\`\`ect\`) VALUES (1,'x\\'); DROP DATABASE other; -- '),
(-2.5e-7,NULL),(0x00FF,_binary 'a\\0b'),(3,'\\\\');
/*!40000 ALTER TABLE \`a;b\` ENABLE KEYS */;
`;
const TRIGGER = `/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`root\`@\`localhost\`*/ /*!50003 TRIGGER touch BEFORE UPDATE ON "a;b" FOR EACH ROW BEGIN
  /* a ; comment */
  SET NEW.x = 'a\\'; -- it's
  DELETE FROM b;
END */;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
`;
const OTHERS = `CREATE SEQUENCE \`s\` start with 5 minvalue 1 ENGINE=InnoDB;
SELECT SETVAL(\`s\`, 8, 0);
/*!50106 SET @save_time_zone= @@TIME_ZONE */ ;
/*!50106 DROP EVENT IF EXISTS \`tidy\` */;
DELIMITER ;;
/*!50106 SET time_zone             = 'SYSTEM' */ ;;
/*!50106 CREATE*/ /*!50117 DEFINER=\`root\`@\`localhost\`*/ /*!50106 EVENT \`tidy\` ON SCHEDULE EVERY 1 DAY DO DELETE FROM b */ ;;
CREATE DEFINER=\`root\`@\`localhost\` PROCEDURE \`p\`() BEGIN SELECT 1; END ;;
DELIMITER ;
/*!50001 DROP VIEW IF EXISTS \`v\`*/;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`root\`@\`localhost\` SQL SECURITY DEFINER */
/*!50001 VIEW \`v\` AS select 1 AS \`x\` */;
ALTER DATABASE \`the 'new' \`\`one\`\` ü\` CHARACTER SET latin1 COLLATE latin1_swedish_ci ;
`;

/** What it refuses as unsafe, or null. Chunks as they come. */
function refused(text: string, places: readonly number[] = []): string | null {
  const guard = newMysqlGuard();
  try {
    for (const chunk of cutAt(Buffer.from(text), places)) guard.observe(chunk);
    return null;
  } catch (error) {
    if (isAppError(error, 'dump_unsafe')) return error.message;
    throw error;
  }
}

it('lets through what the dump tools write, in any chunks', () => {
  const dump = HEAD + TABLE + TRIGGER + OTHERS + TAIL;
  expect(refused(dump)).toBeNull();
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }), (places) => {
      expect(refused(dump, places)).toBeNull();
    }),
    { numRuns: 60 },
  );
});

it('blanks out the name of the dumped database where that would be altered, and nothing else', () => {
  const altered = (name: string) =>
    `/*!50003 ALTER DATABASE ${name} CHARACTER SET latin1 COLLATE binary */ ;\n`;
  const kept =
    'SET @saved_sql_mode = @@sql_mode ;\nDROP TABLE IF EXISTS `ALTER DATABASE`;\nDROP TABLE `shop`;\n';
  const name = '`s``ho"p ü`';
  const blank = ' '.repeat(Buffer.byteLength(name));
  const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 });
  fc.assert(
    fc.property(places, (cuts) => {
      const guard = newMysqlGuard();
      const chunks = cutAt(Buffer.from(HEAD + kept + altered(name) + kept), cuts);
      for (const chunk of chunks) guard.observe(chunk);
      expect(Buffer.concat(chunks).toString()).toBe(HEAD + kept + altered(blank) + kept);
    }),
  );
});

const ROWS = (values: string) => `INSERT INTO \`a;b\` VALUES ${values};`;
const HOSTILE: Readonly<Record<string, string>> = {
  'a client command': '\\! touch /tmp/x',
  'a client command behind a statement': 'COMMIT; \\! touch /tmp/x',
  source: 'source /etc/passwd\n;',
  system: 'system touch /tmp/x\n;',
  use: 'USE other;',
  'a database made': 'CREATE DATABASE x;',
  'a database dropped': 'DROP DATABASE other;',
  'a database dropped within a comment for all versions': '/*!40000 DROP DATABASE other */;',
  'a database dropped between comments': 'DROP /* TABLE */ DATABASE /*!40000 IF EXISTS*/ other;',
  'a database dropped, hidden where only some read':
    'DROP /*!99999 TABLE IF EXISTS `x` */ /*M!100100 DATABASE `other` */;',
  'a quote that only some read': "/*!99999 ' */ DROP DATABASE other; -- '*/;",
  'a comment that only some read': '/*!99999 /* */ DROP DATABASE other; /* */ */;',
  'a line comment that only some read': '/*!99999 -- */ DROP DATABASE other;\n*/;',
  'another database altered, without quotes': 'ALTER DATABASE shop CHARACTER SET latin1 COLLATE binary;',
  'another database altered, with a comment before it': 'ALTER DATABASE /**/ `shop` READ ONLY = 1;',
  'more altered than a collation': 'ALTER DATABASE `a` CHARACTER SET latin1 COLLATE binary ENCRYPTION = 1;',
  'a table of another database': 'DROP TABLE IF EXISTS `other`.`t`;',
  'a table of another database beside one of ours': 'DROP TABLE IF EXISTS `t`, `other`.`t`;',
  'rows for another database': 'INSERT INTO `other`.`t` VALUES (1);',
  'a query as rows': 'INSERT INTO `a;b` SELECT * FROM mysql.user;',
  'a query in a row': ROWS('(1,(SELECT 1))'),
  'a function in a row': ROWS("(1,load_file('/etc/passwd'))"),
  'a function without blanks in a row': ROWS('(sys_exec(1))'),
  'a variable in a row': ROWS('(@@datadir)'),
  'an update behind rows': `${ROWS('(1)').slice(0, -1)} ON DUPLICATE KEY UPDATE id = 1;`,
  'rows for a table with a trigger': TRIGGER + ROWS('(1)'),
  'rows for a table with a trigger, in other letters': TRIGGER + ROWS('(1)').replace('a;b', 'A;B'),
  'rows for a view': 'CREATE VIEW `v` AS SELECT * FROM `other`.`t`;\nINSERT INTO `v` VALUES (1);',
  'rows for a table elsewhere':
    "CREATE TABLE `f` (`a` int) ENGINE=FEDERATED CONNECTION='mysql://x';\nINSERT INTO `f` VALUES (1);",
  'rows for a table of others':
    'CREATE TABLE `m` (`a` int) ENGINE=MRG_MyISAM UNION=(`other`.`t`);\nINSERT INTO `m` VALUES (1);',
  'a table of a query': 'CREATE TABLE `t` (`a` int) SELECT * FROM mysql.user;',
  'a trigger elsewhere': 'CREATE TRIGGER x BEFORE INSERT ON other.t FOR EACH ROW SET @x = 1;',
  'a library as a function': "CREATE FUNCTION f RETURNS STRING SONAME 'x.so';",
  grants: "GRANT ALL ON *.* TO x@'%';",
  'a user': "CREATE USER x@'%';",
  'a global setting': 'SET GLOBAL event_scheduler = ON;',
  'a global setting, spelled the other way': 'SET @@global.event_scheduler = 1;',
  'a global setting behind another': 'SET TIME_ZONE=@OLD_TIME_ZONE, GLOBAL event_scheduler = 1;',
  'a setting that is kept': 'SET PERSIST event_scheduler = 1;',
  'a password': "SET PASSWORD = 'x';",
  'a file of rows': "LOAD DATA INFILE '/etc/passwd' INTO TABLE x;",
  'a file written': "SELECT 1 INTO OUTFILE '/tmp/x';",
  'a call': 'CALL p();',
  'a prepared statement': "PREPARE s FROM 'DROP DATABASE other';",
  'a query of a setting': 'SET @x = (SELECT 1);',
  'a sql_mode from a variable that holds a text': "SET @m = 'NO_BACKSLASH_ESCAPES';\nSET sql_mode = @m;",
  'a text that ends elsewhere by its sql_mode':
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nCREATE TABLE `t` (`a` int COMMENT '\\');DROP DATABASE other; -- ');",
  'a character set with a backslash in its letters': 'SET character_set_client = gbk;',
  'such a character set by its names': 'SET NAMES sjis;',
  'a delimiter of letters': 'DELIMITER x\n',
  'a delimiter behind a statement': 'COMMIT; DELIMITER ;;\n',
  'an end within a comment': '/*!40000 COMMIT; DROP DATABASE other */;',
};

describe('refuses', () => {
  it.each(Object.entries(HOSTILE))('%s', (_name, statement) => {
    const dump = `${HEAD}${TABLE}${statement}\n${TAIL}`;
    expect(refused(dump)).toMatch(/^The dump holds /);
    expect(refused(dump, [0.5, ...Array.from({ length: 50 }, (_, at) => at / 50)])).toMatch(
      /^The dump holds /,
    );
  });

  it('half a statement, which the client would run at the end of its input', () => {
    for (const half of ['DROP DATABASE ', 'INSERT INTO `other`.', 'USE ', 'SET GLOBAL ']) {
      expect(refused(`${HEAD}${half}`)).toMatch(/^The dump holds /);
    }
  });

  it('with the beginning of the statement, its texts left out', () => {
    expect(refused(`${HEAD}ALTER USER x IDENTIFIED BY 'secret';`)).not.toContain('secret');
    expect(refused(`${HEAD}DROP SCHEMA \`<script>ü\`;`)).toContain('begins with: DROP SCHEMA)');
  });
});
