/** A condition on `information_schema.TABLES`: tables of the database that a transaction does not cover. */
export const HAS_NO_TRANSACTIONS =
  `TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW' AND ENGINE NOT IN ` +
  `(SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES')`;

/**
 * Counts the tables whose widest row is more than a page may hold half of, which innodb_strict_mode refuses to create;
 * tables grow so over the years. Columns that may lie outside of the row count with what stays in it: measured against
 * MariaDB 10.11 with 60 tables of random columns, without a difference.
 */
export const COUNT_WIDE = `SELECT COUNT(*) FROM (SELECT SUM(1 + CASE
    WHEN c.CHARACTER_OCTET_LENGTH IS NULL THEN 8
    WHEN c.CHARACTER_OCTET_LENGTH <= 255 THEN c.CHARACTER_OCTET_LENGTH
    WHEN t.ROW_FORMAT IN ('Dynamic', 'Compressed') THEN 20
    ELSE LEAST(c.CHARACTER_OCTET_LENGTH, 788) END) AS row_bytes
  FROM information_schema.TABLES t JOIN information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME)
  WHERE TABLE_SCHEMA = DATABASE() AND t.ENGINE = 'InnoDB' AND c.EXTRA NOT LIKE '%VIRTUAL%'
  GROUP BY TABLE_NAME) wide WHERE row_bytes > @@innodb_page_size / 2 - 66`;

/** `sql_select_limit` where there is none: the largest number, of servers that count in 64 bits, in 63 (OceanBase), and in 32. */
export const NO_LIMIT = ['18446744073709551615', '9223372036854775807', '4294967295'];
