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
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
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
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
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
const OTHER_TABLES = `CREATE TABLE \`kept\` (
  \`table\` text DEFAULT NULL COMMENT 'TABLE x; VALUES (1)',
  \`data\` int(11) DEFAULT NULL WITHOUT SYSTEM VERSIONING,
  FULLTEXT KEY \`words\` (\`table\`) /*!50100 WITH PARSER \`ngram\` */
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='DATA DIRECTORY' WITH SYSTEM VERSIONING
 PARTITION BY LIST (\`data\`)
(PARTITION \`p\` VALUES IN (1,2) ENGINE = InnoDB,
 PARTITION \`q\` VALUES IN (DEFAULT) ENGINE = InnoDB);
CREATE TABLE \`ranged\` (
  \`n\` int NOT NULL
) ENGINE=InnoDB
/*!50100 PARTITION BY RANGE (\`n\`)
SUBPARTITION BY HASH (\`n\`)
(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,
 PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */;
`;
const SAVED = `/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = latin1 */ ;
/*!50003 SET character_set_results = latin1 */ ;
/*!50003 SET collation_connection  = latin1_swedish_ci */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;
/*!50003 SET @saved_time_zone      = @@time_zone */ ;
/*!50003 SET time_zone             = @saved_time_zone */ ;
/*!50003 SET @OLD_SQL_MODE=@@SQL_MODE*/;
/*!50003 SET SESSION SQL_MODE=@OLD_SQL_MODE */;
/*M!101100 SET @old_system_versioning_insert_history=@@session.system_versioning_insert_history, @@session.system_versioning_insert_history=1 */;
/*M!101100 SET system_versioning_insert_history=@old_system_versioning_insert_history */;
SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;
SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;
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
/*!50106 CREATE*/ /*!50117 DEFINER=\`root\`@\`localhost\`*/ /*!50106 EVENT \`tidy\` ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' ON COMPLETION NOT PRESERVE ENABLE DO DELETE FROM b */ ;;
/*!50106 SET TIME_ZONE= @save_time_zone */ ;;
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
  const dump = HEAD + SAVED + TABLE + OTHER_TABLES + TRIGGER + OTHERS + TAIL;
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
      const sent = chunks.map((chunk) => guard.observe(chunk));
      expect(Buffer.concat(sent).toString()).toBe(HEAD + kept + altered(blank) + kept);
    }),
  );
});

/** What servers show of an event, and what the guard makes of it. */
const EVENTS: readonly (readonly [string, string])[] = [
  ["EVERY 1 DAY STARTS '2030-01-01 00:00:00' ON COMPLETION PRESERVE", ''],
  [
    "EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01 00:00:00' ENDS '2031-01-01 00:00:00' ON COMPLETION NOT PRESERVE",
    '',
  ],
  ["AT '2030-01-01 00:00:00' ON COMPLETION PRESERVE", " COMMENT 'it''s \\' ENABLE ü; DO'"],
  ["AT '2030-01-01 00:00:00' ON COMPLETION NOT PRESERVE", " COMMENT 'ENABLE'"],
];
const EVENT = (schedule: string, status: string, comment: string) =>
  `/*!50106 CREATE*/ /*!50117 DEFINER=\`PRESERVE ENABLE\`@\`%\`*/ /*!50106 EVENT \`ON COMPLETION PRESERVE ENABLE ü\` ON SCHEDULE ${schedule} ${status}${comment} DO BEGIN
  ALTER EVENT x ON COMPLETION PRESERVE ENABLE;
END */ ;;
`;

it('has events come into being switched off, with all else as it was, in any chunks', () => {
  const dumpOf = (statusOf: (status: string) => string) =>
    `${HEAD}DELIMITER ;;\n${EVENTS.flatMap(([schedule, comment]) =>
      ['ENABLE', 'enable', 'DISABLE', 'DISABLE ON SLAVE', 'DISABLE ON REPLICA'].map((status) =>
        EVENT(schedule, statusOf(status), comment),
      ),
    ).join('')}DELIMITER ;\n${TAIL}`;
  const dump = dumpOf((status) => status);
  const switchedOff = dumpOf((status) => (/^enable$/i.test(status) ? 'DISABLE      ' : status));
  const sent = (chunks: readonly Uint8Array[]) => {
    const guard = newMysqlGuard();
    const given = Buffer.concat(chunks).toString();
    const said = Buffer.concat(chunks.map((chunk) => guard.observe(chunk))).toString();
    // The proof of the dump's end still looks at them.
    expect(Buffer.concat(chunks).toString()).toBe(given);
    return said;
  };
  expect(sent([...Buffer.from(dump)].map((byte) => Uint8Array.of(byte)))).toBe(switchedOff);
  const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 });
  fc.assert(
    fc.property(places, (cuts) => {
      expect(sent(cutAt(Buffer.from(dump), cuts))).toBe(switchedOff);
    }),
  );
});

const ROWS = (values: string) => `INSERT INTO \`a;b\` VALUES ${values};`;
const MADE = (rest: string) => `CREATE TABLE \`t\` (\n  \`a\` int\n) ENGINE=InnoDB${rest};`;
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
  'rows with a name without quotes': 'INSERT INTO `a;b` (`id`, row_end, id) VALUES (1, 2, 3);',
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
  'a character set by its number': 'SET character_set_client = 28;',
  'a character set that is the server’s own': 'SET character_set_client = DEFAULT;',
  'a character set that was saved from the database’s':
    'ALTER DATABASE `x` CHARACTER SET gbk COLLATE gbk_chinese_ci; SET @x = @@character_set_database; SET character_set_client = @x;',
  'a character set that was saved from that of results':
    'SET character_set_results = gbk; SET @x = @@character_set_results; SET character_set_client = @x;',
  'a collation that was saved from a character set':
    'SET @x = @@character_set_client; SET collation_connection = @x;',
  'a sql_mode that was saved from another setting': 'SET @x = @@old_mode; SET sql_mode = @x;',
  'a character set that was saved, in a variable that was set again':
    "SET @x = @@character_set_client; SET @X = 'gbk'; SET character_set_client = @x;",
  'a character set that was saved, in a variable whose name servers read without accents':
    "SET @e = @@character_set_client; SET @é = 'gbk'; SET character_set_client = @e;",
  'a setting that is saved and made in one statement':
    "SET sql_mode = ''; SET sql_mode = 'NO_BACKSLASH_ESCAPES', @x = @@sql_mode;",
  'a variable that is set and read in one statement': 'SET @x = @@sql_mode, sql_mode = @x;',
  'a sql_mode that is longer than any': `SET sql_mode = '${'ANSI_QUOTES,'.repeat(100)}NO_BACKSLASH_ESCAPES';`,
  'a sql_mode that only some read': "/*!99999 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */;",
  'a character set that only some read': '/*!99999 SET NAMES latin1 */;',
  'a variable that is saved where only some read':
    "SET @x = 'gbk'; /*!99999 SET @x = @@character_set_client */; SET character_set_client = @x;",
  'rows for a table elsewhere, its engine hidden where only some read':
    'CREATE TABLE `f` (`a` int) ENGINE=/*!99999 InnoDB */ FEDERATED;\nINSERT INTO `f` VALUES (1);',
  'rows for a table of others, hidden where only some read':
    'CREATE TABLE `m` (`a` int) UNION /*M!100100 x */ =(`other`.`t`);\nINSERT INTO `m` VALUES (1);',
  'another engine for all tables': 'SET default_storage_engine = FEDERATED;',
  'an event that is due at once': 'CREATE EVENT e ON SCHEDULE AT CURRENT_TIMESTAMP DO DROP DATABASE other;',
  'an event that says nothing of its state':
    "CREATE EVENT `e` ON SCHEDULE AT '2030-01-01' DO DROP DATABASE other;",
  'an event that is on unless it is off':
    "CREATE EVENT `e` ON SCHEDULE AT '2030-01-01' ON COMPLETION PRESERVE DO DROP DATABASE other;",
  'an event whose state only some read':
    "CREATE EVENT `e` ON SCHEDULE AT '2030-01-01' ON COMPLETION PRESERVE /*!99999 DISABLE */ DO DROP DATABASE other;",
  'an event whose schedule only some read':
    "CREATE EVENT `e` ON SCHEDULE EVERY 1 SECOND /*!99999 STARTS '2030-01-01' ON COMPLETION PRESERVE DISABLE */ DO DROP DATABASE other;",
  'an event at a time that is reckoned':
    "CREATE EVENT `e` ON SCHEDULE AT '2030-01-01' + INTERVAL 1 DAY ON COMPLETION PRESERVE DISABLE DO SELECT 1;",
  'an event with a state of two words':
    "CREATE EVENT `e` ON SCHEDULE AT '2030-01-01' ON COMPLETION PRESERVE ENABLED DO SELECT 1;",
  'a table of a table': MADE(' TABLE mysql.user'),
  'a table of a table, in parentheses': MADE(' AS (TABLE mysql.user)'),
  'a table of values': MADE(" VALUES ROW(load_file('/etc/passwd'))"),
  'a table of values, in parentheses': MADE(" (VALUES (load_file('/etc/passwd')))"),
  'a table of values that only some read': MADE(" VALUES /*!99999 LESS */ ROW(load_file('/etc/passwd'))"),
  'a table of a query with a name': MADE(' WITH x AS (TABLE mysql.user) TABLE x'),
  'a table of a query with a quoted name': MADE(' WITH `x` AS (`y`)'),
  'a table of a query behind what only some read': MADE(' /*!99999 WITH */ TABLE mysql.user'),
  'a table whose files lie elsewhere': MADE(" DATA DIRECTORY='/var/www'"),
  'a table whose indexes lie elsewhere': MADE(" index directory '/var/www'"),
  'a partition whose files lie elsewhere': MADE(
    "\n/*!50100 PARTITION BY RANGE (`a`)\n(PARTITION p0 VALUES LESS THAN (1) DATA DIRECTORY = '/var/www' ENGINE = InnoDB) */",
  ),
  'a table whose files lie elsewhere for some': MADE(" DATA /*!99999 x */ DIRECTORY='/var/www'"),
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

  it('a table whose files lie elsewhere with words for who has such a one', () => {
    const said = refused(HEAD + MADE(" DATA DIRECTORY='/var/www'"));
    expect(said).toContain('DATA DIRECTORY');
    expect(said).not.toContain('dump tools do not write');
  });

  it('with the beginning of the statement, its texts left out', () => {
    expect(refused(`${HEAD}ALTER USER x IDENTIFIED BY 'secret';`)).not.toContain('secret');
    expect(refused(`${HEAD}DROP SCHEMA \`<script>ü\`;`)).toContain('begins with: DROP SCHEMA)');
  });
});
