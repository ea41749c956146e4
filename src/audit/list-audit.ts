import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { breathe } from '../breathe.ts';
import { isLike } from '../db/kind.ts';
import { likePatterns } from '../db/like-patterns.ts';
import type { AuditLogRow, Db } from '../db/schema.ts';
import { readMarks } from './chain-marks.ts';
import type { AuditCursor } from './cursor.ts';
import { type ListedAudit, withNames } from './names.ts';
import { countUnchained, MOST_COUNTED } from './unchained.ts';

/** What rows are looked for; each narrows. */
export interface AuditFilter {
  readonly resourceId?: string | undefined;
  readonly userId?: string | undefined;
  readonly environmentId?: string | undefined;
  readonly action?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly serviceAccountId?: string | undefined;
  readonly apiTokenId?: string | undefined;
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
  readonly success?: boolean | undefined;
  /** From that instant on, and before that one; ISO-8601. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** In the name of the thing, the address, the request, the token’s prefix or what went wrong. */
  readonly text?: string | undefined;
  /** What somebody may read who may not read all. `text` then looks at nothing that is not shown to them. */
  readonly readable?: Readable | undefined;
}

export interface Readable {
  /** Of rows, by their `resourceType`. */
  readonly kinds: readonly string[];
  /** But not those: `resourceType action`. */
  readonly hidden: readonly string[];
}

export interface AuditPage {
  readonly rows: readonly ListedAudit[];
  /** Where older ones follow; null at the end. Also set where the page holds fewer than asked for: so far was looked. */
  readonly next: AuditCursor | null;
}

/** Columns that lead an index, those first that leave the fewest rows. */
const INDEXED = [
  ['resourceId', 'resource_id'],
  ['userId', 'user_id'],
  ['environmentId', 'environment_id'],
  ['action', 'action'],
  ['resourceType', 'resource_type'],
] as const;

const COMPARED = [
  ...INDEXED,
  ['serviceAccountId', 'service_account_id'],
  ['apiTokenId', 'api_token_id'],
  ['address', 'address'],
  ['requestId', 'request_id'],
] as const;

const SHOWN_TEXTS = ['resource_name', 'resource_id', 'error'];
const TEXTS = [...SHOWN_TEXTS, 'address', 'token_prefix', 'request_id'];

/** Rows that one step looks through where no index knows what is wanted, and steps of a page: 10 ms. */
const STEP = 1000;
const MOST_STEPS = 5;
/** Keys that one step skips along an index. */
const SKIP = 20_000;

/**
 * A page, newest first. By one filter it is read along an index, and by none; what more filters leave is looked for among the
 * newest five thousand behind the cursor: `next` then goes on, though the page may be short, so that no question costs more
 * than a page. `offset` skips rows, and costs more the more it skips; the cursor does not.
 */
export async function listAudit(
  db: Db,
  filter: AuditFilter,
  { limit, offset = 0, after = null }: { limit: number; offset?: number; after?: AuditCursor | null },
): Promise<AuditPage> {
  if (!isNarrowed(filter)) {
    const from = offset === 0 ? after : await skip(db, filter, after, offset);
    if (from === undefined) return { rows: [], next: null };
    const rows = await rowsOf(db, filter, from, limit + 1);
    return { rows: rows.slice(0, limit), next: rows.length > limit ? cursorOf(rows[limit - 1]) : null };
  }
  return search(db, filter, { wanted: offset + limit, after, steps: MOST_STEPS }).then(({ rows, next }) => ({
    rows: rows.slice(offset),
    next,
  }));
}

/** Every row that fits, newest first, a few hundred at a time, however many have to be looked through. */
export async function* walkAudit(db: Db, filter: AuditFilter): AsyncGenerator<readonly ListedAudit[]> {
  const batch = 250;
  let after: AuditCursor | null = null;
  do {
    const page: AuditPage = isNarrowed(filter)
      ? await search(db, filter, { wanted: batch, after, steps: 1 })
      : await listAudit(db, filter, { limit: batch, after });
    if (page.rows.length > 0) yield page.rows;
    after = page.next;
    await breathe();
  } while (after !== null);
}

/**
 * How many rows fit: counted up to ten thousand (`isExact` is false above), and by more than one filter not at all beyond what
 * the page has shown (null).
 */
export async function countAudit(
  db: Db,
  filter: AuditFilter,
): Promise<{ rows: number; isExact: boolean } | null> {
  if (isNarrowed(filter)) return null;
  if (Object.values(filter).every((value) => value === undefined)) return countAll(db);
  if ((await keyAt(db, filter, null, MOST_COUNTED)) !== undefined)
    return { rows: MOST_COUNTED, isExact: false };
  const { count } = await along(db, filter, null)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return { rows: Number(count), isExact: true };
}

/** The numbers of the chain tell it. */
async function countAll(db: Db): Promise<{ rows: number; isExact: boolean }> {
  const { start, head } = await readMarks(db);
  const { rows } = await countUnchained(db);
  return {
    rows: (head?.number ?? 0) - (start?.number ?? 0) + rows,
    isExact: rows < MOST_COUNTED,
  };
}

async function search(
  db: Db,
  filter: AuditFilter,
  { wanted, after, steps }: { wanted: number; after: AuditCursor | null; steps: number },
): Promise<AuditPage> {
  const rows: ListedAudit[] = [];
  let from = after;
  for (let step = 0; step < steps; step += 1) {
    if (step > 0) await breathe();
    // Both ends of the step are known first: no plan can look further.
    const end = await keyAt(db, filter, from, STEP - 1);
    const found = await rowsOf(db, filter, from, wanted - rows.length + 1, end);
    rows.push(...found);
    if (rows.length > wanted) return { rows: rows.slice(0, wanted), next: cursorOf(rows[wanted - 1]) };
    if (end === undefined) return { rows, next: null };
    from = end;
  }
  return { rows, next: from };
}

/** Behind so many rows; undefined where there are not so many. */
async function skip(
  db: Db,
  filter: AuditFilter,
  after: AuditCursor | null,
  rows: number,
): Promise<AuditCursor | undefined> {
  let from = after;
  for (let left = rows; left > 0; left -= SKIP) {
    const key = await keyAt(db, filter, from, Math.min(left, SKIP) - 1);
    if (key === undefined) return undefined;
    from = key;
    if (left > SKIP) await breathe();
  }
  return from ?? undefined;
}

/** The key that stands so many rows behind the cursor, by the first filter alone: read from its index. */
async function keyAt(
  db: Db,
  filter: AuditFilter,
  after: AuditCursor | null,
  rows: number,
): Promise<AuditCursor | undefined> {
  const row = await along(db, filter, after)
    .select(['created_at', 'id'])
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .offset(rows)
    .executeTakeFirst();
  return cursorOf(row) ?? undefined;
}

async function rowsOf(
  db: Db,
  filter: AuditFilter,
  after: AuditCursor | null,
  limit: number,
  end?: AuditCursor,
): Promise<readonly ListedAudit[]> {
  const rows = await narrow(db, along(db, filter, after), filter)
    .$if(end !== undefined, (query) =>
      query.where(sql<SqlBool>`(created_at, id) >= (${end?.at}, ${end?.id})`),
    )
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return withNames(db, rows);
}

/** The rows by the one filter that leads an index, within the times and behind the cursor. */
function along(db: Db, filter: AuditFilter, after: AuditCursor | null) {
  const [name, column] = leading(filter);
  return db
    .selectFrom('audit_logs')
    .$if(column !== null, (query) => query.where(column ?? 'id', '=', (name && filter[name]) ?? ''))
    .$if(filter.since !== undefined, (query) => query.where('created_at', '>=', filter.since ?? ''))
    .$if(filter.until !== undefined, (query) => query.where('created_at', '<', filter.until ?? ''))
    .$if(after !== null, (query) =>
      query.where(sql<SqlBool>`(created_at, id) < (${after?.at}, ${after?.id})`),
    );
}

type Along = ReturnType<typeof along>;

function leading(filter: AuditFilter): (typeof INDEXED)[number] | readonly [null, null] {
  return INDEXED.find(([name]) => filter[name] !== undefined) ?? [null, null];
}

/** Whether more than one filter counts, or one that no index leads to. */
function isNarrowed(filter: AuditFilter): boolean {
  const { since: _since, until: _until, ...rest } = filter;
  const [lead] = leading(filter);
  return Object.entries(rest).some(([name, value]) => value !== undefined && name !== lead);
}

/** What is left of the filter, so that no index leads by it: the leading one alone knows how far a step goes. */
function narrow(db: Db, query: Along, filter: AuditFilter): Along {
  const [lead] = leading(filter);
  let narrowed = query;
  for (const [name, column] of COMPARED) {
    const value = filter[name];
    if (value === undefined || name === lead) continue;
    narrowed = narrowed.where(sql<SqlBool>`coalesce(${sql.ref(column)}, '') = ${value}`);
  }
  const { success, text, readable } = filter;
  if (readable !== undefined) narrowed = narrowed.where(isIn(readable));
  if (success !== undefined) narrowed = narrowed.where('success', '=', success ? 1 : 0);
  return text === undefined
    ? narrowed
    : narrowed.where(holds(db, text, readable === undefined ? TEXTS : SHOWN_TEXTS));
}

/** What is not known is not readable. No index leads by it. */
function isIn({ kinds, hidden }: Readable): RawBuilder<SqlBool> {
  return sql<SqlBool>`(coalesce(resource_type, '') in (${sql.join(kinds)})
    and coalesce(resource_type, '') || ' ' || action not in (${sql.join(hidden)}))`;
}

/** In what the row says, or in whom it names. */
function holds(db: Db, part: string, columns: readonly string[]) {
  const patterns = likePatterns(part);
  const has = (text: RawBuilder<string>) =>
    sql.join(
      patterns.map((pattern) => isLike(db, text, pattern)),
      sql` or `,
    );
  const said = columns.map((column) => sql`coalesce(${sql.ref(column)}, '')`);
  return sql<SqlBool>`(${has(sql`(${sql.join(said, sql` || ' ' || `)})`)}
    or user_id in (select users.id from users where ${has(sql`users.email`)})
    or service_account_id in (select service_accounts.id from service_accounts
      where ${has(sql`service_accounts.name`)}))`;
}

function cursorOf(row: Pick<AuditLogRow, 'created_at' | 'id'> | undefined): AuditCursor | null {
  return row === undefined ? null : { at: row.created_at, id: row.id };
}
