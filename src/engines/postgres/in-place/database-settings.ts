import { literal } from '../restore-lines.ts';

/**
 * A statement that gives database `to`, a new one, what database `from` has and no dump of it holds: grants, settings of the
 * database and of roles in it, limit of connections, comment, whether it is a template. Its owner it has already. It calls nothing
 * by a name that somebody could have put in the way. `token` ends the statement's text, so nobody may know it.
 */
export function copySettings(from: string, to: string, token: string): string {
  return doEach(statements(literal(from), literal(to)), token);
}

/** A statement that does each that the query gives, of which none is called by a name in anybody's search path. */
export function doEach(query: string, token: string): string {
  const tag = `$bp_${token}$`;
  return `DO LANGUAGE plpgsql ${tag}
DECLARE
  statement pg_catalog.text;
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
  FOR statement IN ${query}
  LOOP
    EXECUTE statement;
  END LOOP;
END ${tag}`;
}

/** Settings that are lists of names: each of them is a text of its own, or all of them together would be one name. */
const NAME_LISTS = `'local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries',
      'temp_tablespaces', 'unix_socket_directories'`;

function statements(from: string, to: string): string {
  return `
    SELECT made.statement FROM pg_catalog.pg_database d, LATERAL (
      SELECT 1 AS nr, pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', ${to}, pg_catalog.pg_get_userbyid(d.datdba)) AS statement
        WHERE d.datacl IS NOT NULL
      UNION ALL
      SELECT 2, pg_catalog.format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, ${to},
          CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
          CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_catalog.aclexplode(d.datacl) a
      UNION ALL
      SELECT 3, pg_catalog.format('ALTER %s SET %I TO %s',
          CASE s.setrole WHEN 0 THEN pg_catalog.format('DATABASE %I', ${to})
            ELSE pg_catalog.format('ROLE %I IN DATABASE %I', pg_catalog.pg_get_userbyid(s.setrole), ${to}) END,
          pair.name,
          CASE WHEN pg_catalog.lower(pair.name) IN (${NAME_LISTS}) THEN (
            SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_literal(
                CASE WHEN part.found[1] LIKE '"%' THEN pg_catalog.replace(
                    pg_catalog.substr(part.found[1], 2, pg_catalog.length(part.found[1]) - 2), '""', '"')
                  ELSE pg_catalog.lower(part.found[1]) END), ', ' ORDER BY part.nr), '''''')
            FROM pg_catalog.regexp_matches(pair.value, '("(?:[^"]|"")*"|[^",[:space:]]+)', 'g') WITH ORDINALITY AS part(found, nr))
          ELSE pg_catalog.quote_literal(pair.value) END)
        FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS config(text),
          LATERAL (SELECT pg_catalog.split_part(config.text, '=', 1) AS name,
            pg_catalog.substr(config.text, pg_catalog.strpos(config.text, '=') + 1) AS value) pair
        WHERE s.setdatabase = d.oid
      UNION ALL
      SELECT 4, pg_catalog.format('ALTER DATABASE %I CONNECTION LIMIT %s', ${to}, d.datconnlimit) WHERE d.datconnlimit >= 0
      UNION ALL
      SELECT 5, pg_catalog.format('COMMENT ON DATABASE %I IS %L', ${to}, pg_catalog.shobj_description(d.oid, 'pg_database'))
        WHERE pg_catalog.shobj_description(d.oid, 'pg_database') IS NOT NULL
      UNION ALL
      SELECT 6, pg_catalog.format('ALTER DATABASE %I IS_TEMPLATE true', ${to}) WHERE d.datistemplate
      UNION ALL
      SELECT 7, pg_catalog.format('ALTER DATABASE %I ALLOW_CONNECTIONS false', ${to}) WHERE NOT d.datallowconn
    ) made WHERE d.datname = ${from} ORDER BY made.nr`;
}
