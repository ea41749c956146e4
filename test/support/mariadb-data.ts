import type { TestMariadb } from './mariadb.ts';

/** Bytes of text that a row of `events` has, more or less. */
const ROW_BYTES = 600;

/**
 * Fills a database with data such as applications have: many types, unicode, binary columns, generated columns,
 * partitions, foreign keys, views, routines, triggers, events, a sequence, odd names; about `mebibytes` in all.
 */
export async function fillMariadb(server: TestMariadb, database: string, mebibytes: number): Promise<void> {
  const rows = Math.max(200, Math.round((mebibytes * 2 ** 20) / ROW_BYTES));
  await server.restore(Buffer.from(SCHEMA), database);
  await server.query(
    `INSERT INTO events (at, account, kind, payload, body, raw)
     SELECT '2024-01-01' + INTERVAL seq * 42 MINUTE, 1 + seq % 50, ELT(1 + seq % 3, 'created', 'paid', 'shipped'),
            JSON_OBJECT('n', seq, 'text', CONCAT('Grüße aus ', seq)),
            CONCAT(REPEAT(MD5(seq), 3), '\\ttab\\r\\nline \\\\ ''quoted'' "x" 漢字 🙂 ', LEFT(REPEAT(MD5(seq * 31), 12), 200)),
            UNHEX(CONCAT(MD5(seq), '00ff27')) FROM seq_1_to_${rows}`,
    database,
  );
  // InnoDB counts a table's size again some time after it grew, or when told to.
  await server.query('ANALYZE TABLE events', database);
}

/** Row count and checksum of every table and view, and the text of what else a database holds. */
export async function mariadbChecksums(
  server: TestMariadb,
  database: string,
): Promise<Readonly<Record<string, string>>> {
  const tables = await server.query(
    `SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1`,
    database,
  );
  const questions = tables.flatMap(([name = '', type = '']) => {
    const quoted = `\`${name.replaceAll('`', '``')}\``;
    const sum = type === 'BASE TABLE' ? [`CHECKSUM TABLE ${quoted} EXTENDED`] : [];
    return [`SELECT COUNT(*) FROM ${quoted}`, ...sum, `SHOW CREATE TABLE ${quoted}`];
  });
  // All at once, for each call starts a client. Each of these is answered by one row, in its order.
  const rows = await server.query([...questions, OTHERS].join(';\n'), database);
  const answers = rows.slice(0, questions.length).values();
  const next = () => answers.next().value;
  const sums: Record<string, string> = {};
  for (const [name = '', type = ''] of tables) {
    const counted = next();
    const summed = type === 'BASE TABLE' ? next() : [];
    const shown = next();
    sums[name] = [type, counted?.[0], summed?.[1], shown?.[1]].join(' ').replaceAll(`\`${database}\`.`, '');
  }
  for (const [kind, name, ...rest] of rows.slice(questions.length)) sums[`${kind} ${name}`] = rest.join(' ');
  return sums;
}

const OTHERS = `SELECT 'routine', ROUTINE_NAME, ROUTINE_DEFINITION, DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()
  UNION SELECT 'trigger', TRIGGER_NAME, ACTION_STATEMENT, DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()
  UNION SELECT 'event', EVENT_NAME, EVENT_DEFINITION, DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()`;

const END = `
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-01-01  1:01:01
`;

const SCHEMA = String.raw`
SET sql_mode = '';
CREATE TABLE accounts (
  id integer AUTO_INCREMENT PRIMARY KEY,
  email varchar(100) NOT NULL UNIQUE,
  balance decimal(20, 6) NOT NULL DEFAULT 0,
  ratio double,
  born date DEFAULT '0000-00-00',
  at timestamp(6) NOT NULL DEFAULT current_timestamp(6),
  flags set('a', 'b', 'it''s'),
  bits bit(12),
  place point,
  latin varchar(20) CHARACTER SET latin1,
  domain varchar(100) GENERATED ALWAYS AS (substring_index(email, '@', -1)) STORED,
  shout varchar(100) GENERATED ALWAYS AS (upper(email)) VIRTUAL,
  hidden integer INVISIBLE DEFAULT 7
) COMMENT 'not closed; /* -- \n-- Dump completed\n';
INSERT INTO accounts (email, balance, ratio, born, at, flags, bits, place, latin, hidden)
  SELECT CONCAT('person', seq, '@exämple.org'), seq * 1.000001, seq / 7e200, IF(seq = 1, '0000-00-00', '1970-01-01' + INTERVAL seq DAY),
         '2024-06-01 12:00:00.123456', 'a,it''s', b'101100001111', POINT(seq, -seq), 'Grüße', seq
  FROM seq_1_to_50;
CREATE TABLE events (
  id bigint AUTO_INCREMENT,
  at datetime NOT NULL,
  account integer NOT NULL,
  kind enum('created', 'paid', 'shipped'),
  payload json,
  body text,
  raw varbinary(100),
  PRIMARY KEY (id, at),
  KEY body_start (body(20))
) PARTITION BY RANGE (year(at)) (PARTITION p2024 VALUES LESS THAN (2025), PARTITION later VALUES LESS THAN MAXVALUE);
CREATE TABLE notes (
  id integer AUTO_INCREMENT PRIMARY KEY,
  account integer,
  note text DEFAULT 'x''; -- \n',
  FOREIGN KEY (account) REFERENCES accounts (id),
  CHECK (note <> 'forbidden; /*')
);
CREATE TABLE ${'`odd ``name"\' 表; -- $x$ /*`'} (${"`the 'column'`"} text, ${'`INSERT INTO x`'} blob);
INSERT INTO ${'`odd ``name"\' 表; -- $x$ /*`'} VALUES
  ('${END}', x'00ff0d0a27225c1a'), (NULL, ''), ('\\N', 'a\tb\\c\r\n\0\Z');
CREATE TABLE empty_table (nothing text);
CREATE TABLE edges (at datetime(6), span time(6), year4 year, bits bit(64), exact decimal(65, 30), tiny double, shape geometry, area polygon, emoji varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, raw longblob, day date);
INSERT INTO edges VALUES
  ('0000-00-00 00:00:00', '-838:59:59.999999', 0, b'0', -99999999999999999999999999999999999.999999999999999999999999999999, 2.2250738585072014e-308, ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1e300 -1))'), ST_GeomFromText('POLYGON((0 0,0 9,9 9,0 0))'), '👩‍👩‍👧 é', x'', '2024-00-00'),
  ('9999-12-31 23:59:59.999999', '838:59:59.999999', 2155, ~0, 0.000000000000000000000000000001, -1.7976931348623157e308, NULL, NULL, '', REPEAT(x'00ff5c270a', 3000), '9999-12-31'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 3;
SELECT NEXTVAL(numbers);
CREATE VIEW paid AS SELECT a.email, count(*) AS times, 'it''s \\ \n $1' AS note FROM accounts a JOIN events e ON e.account = a.id WHERE e.kind = 'paid' GROUP BY a.email;
CREATE VIEW a_first AS SELECT * FROM paid;
DELIMITER //
CREATE PROCEDURE strange() BEGIN
  -- it's not closed /*
  SELECT '${END}';
END//
CREATE FUNCTION plus_one(a integer) RETURNS integer DETERMINISTIC RETURN a + 1//
CREATE TRIGGER notes_touch BEFORE UPDATE ON notes FOR EACH ROW SET NEW.note = '${END}touched'//
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO BEGIN DELETE FROM notes WHERE note = '${END}'; END//
DELIMITER ;
INSERT INTO notes (account, note) VALUES (1, 'one'), (2, DEFAULT), (NULL, NULL);
`;
