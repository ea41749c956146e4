import { type RawBuilder, sql } from 'kysely';
import { isLike, jsonText } from '../db/kind.ts';
import { likePatterns } from '../db/like-patterns.ts';
import type { Db } from '../db/schema.ts';

/**
 * Whether a database of a query that calls them `known` has that text in its name, its server's, its environment's, or its file's, in any
 * case; `known` has `name`, `environment_id`, `server_id` and `options`.
 */
export function isFound(db: Db, search: string): RawBuilder<boolean> {
  const patterns = likePatterns(search);
  const has = (text: RawBuilder<string | null>) =>
    sql`(${sql.join(
      patterns.map((pattern) => isLike(db, text, pattern)),
      sql` or `,
    )})`;
  // Most have no file, and to parse thousands of texts takes its time.
  const file = sql<
    string | null
  >`case when known.options like '%"filePath"%' then ${jsonText(db, sql`known.options`, 'filePath')} end`;
  return sql`(${has(sql`known.name`)}
    or known.environment_id in (select environments.id from environments where ${has(sql`environments.name`)})
    or known.server_id in (select servers.id from servers where ${has(sql`servers.name`)})
    or ${has(file)})`;
}
