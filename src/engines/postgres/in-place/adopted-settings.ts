import { literal } from '../restore-lines.ts';
import { doEach } from './database-settings.ts';

/**
 * Before `copySettings`: gives database `to`, which somebody may have looked at, closed to others or made read-only since it was restored,
 * the owner of database `from`, and takes from it what a new one does not have. Otherwise it would keep all of that in its new place.
 * As there, nothing is called by a name that somebody could have put in the way, and `token` ends the statement's text.
 */
export function takeSettings(from: string, to: string, token: string): string {
  return doEach(statements(literal(from), literal(to)), token);
}

function statements(from: string, to: string): string {
  return `
    SELECT made.statement FROM pg_catalog.pg_database d, pg_catalog.pg_database f, LATERAL (
      SELECT 1 AS nr, pg_catalog.format('ALTER DATABASE %I OWNER TO %I', ${to}, pg_catalog.pg_get_userbyid(f.datdba)) AS statement
        WHERE d.datdba <> f.datdba
      UNION ALL
      SELECT 2, pg_catalog.format('ALTER %s RESET ALL',
          CASE s.setrole WHEN 0 THEN pg_catalog.format('DATABASE %I', ${to})
            ELSE pg_catalog.format('ROLE %I IN DATABASE %I', pg_catalog.pg_get_userbyid(s.setrole), ${to}) END)
        FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase = d.oid
      UNION ALL
      SELECT 3, pg_catalog.format('REVOKE ALL ON DATABASE %I FROM %s CASCADE', ${to}, grantee.name)
        FROM (SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC'
            ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS name
          FROM pg_catalog.aclexplode(d.datacl) a) grantee
      UNION ALL
      SELECT 4, pg_catalog.format('GRANT ALL ON DATABASE %I TO %I', ${to}, pg_catalog.pg_get_userbyid(f.datdba)) WHERE d.datacl IS NOT NULL
      UNION ALL
      SELECT 5, pg_catalog.format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', ${to}) WHERE d.datacl IS NOT NULL
      UNION ALL
      SELECT 6, pg_catalog.format('ALTER DATABASE %I CONNECTION LIMIT -1', ${to}) WHERE d.datconnlimit >= 0
      UNION ALL
      SELECT 7, pg_catalog.format('COMMENT ON DATABASE %I IS NULL', ${to})
        WHERE pg_catalog.shobj_description(d.oid, 'pg_database') IS NOT NULL
      UNION ALL
      SELECT 8, pg_catalog.format('ALTER DATABASE %I IS_TEMPLATE false', ${to}) WHERE d.datistemplate
    ) made WHERE d.datname = ${to} AND f.datname = ${from} ORDER BY made.nr`;
}
