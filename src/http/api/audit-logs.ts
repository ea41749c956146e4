import * as z from 'zod';
import type { ChainMark } from '../../audit/chain-marks.ts';
import { cursorText, parseCursor } from '../../audit/cursor.ts';
import { type AuditFilter, countAudit, listAudit } from '../../audit/list-audit.ts';
import type { ListedAudit } from '../../audit/names.ts';
import { createVerifier } from '../../audit/verify-chain.ts';
import { hasRole, type Role } from '../../auth/roles.ts';
import { AppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { sendAudit } from '../audit-export.ts';
import { auditFilterOf, auditFilters } from '../audit-query.ts';
import { mayReadDetails, readableBy } from '../audit-readers.ts';
import { route } from '../route.ts';
import { id, instant, total } from './shapes.ts';

const text = z.string().nullable();

const auditLog = z.object({
  id,
  action: z.string(),
  resourceType: z.string(),
  resourceId: text,
  resourceName: text,
  /** JSON. */
  details: text,
  success: z.boolean(),
  error: text,
  createdAt: instant,
  userId: text,
  environmentId: text,
  apiTokenId: text,
  serviceAccountId: text,
  batchId: z.null(),
  user: z.object({ id, email: z.string(), name: text }).nullable(),
  environment: z.object({ id, name: z.string() }).nullable(),
  serviceAccount: z.object({ id, name: z.string() }).nullable(),
  tokenPrefix: text,
  address: text,
  requestId: text,
  /** In the chain; null until it is chained. */
  number: z.number().int().nullable(),
  hash: text,
});

const MOST_ROWS = 1000;
const DEFAULT_ROWS = 50;

/** The contract's own way with these: what is no number, or 0, is as if it were not there. */
const limit = z
  .string()
  .transform((said) => (/^\d{1,9}$/.test(said) ? Math.min(Number(said), MOST_ROWS) : 0) || DEFAULT_ROWS)
  .default(DEFAULT_ROWS);
const offset = z
  .string()
  .transform((said) => (/^\d{1,9}$/.test(said) ? Number(said) : 0))
  .default(0);
const before = z
  .string()
  .max(100)
  .refine((said) => parseCursor(said) !== null, { error: 'Must be the `next` of an earlier page' })
  .transform(parseCursor)
  .optional();

const mark = z.object({ number: z.number().int(), hash: z.string(), at: instant, signature: z.string() });

const report = z.object({
  intact: z.boolean(),
  rows: z.number().int(),
  faults: z.array(
    z.object({
      kind: z.enum(['changed', 'missing', 'added', 'end']),
      number: z.number().int(),
      id: text,
      message: z.string(),
    }),
  ),
  faultCount: z.number().int(),
  lateRows: z.number().int(),
  start: mark.nullable(),
  /** Number 0 before the first row is chained; null where it was removed. */
  head: mark.nullable(),
  publicKey: z.string(),
  unchained: z.object({ rows: z.number().int(), oldestAt: instant.nullable() }),
});

/** Who did what, from where: to be read, taken elsewhere, and checked. */
export function auditLogRoutes(services: Services) {
  const verify = createVerifier(services);
  return [
    route({
      method: 'GET',
      path: '/api/audit-logs',
      access: 'viewer',
      summary:
        'Who did what, newest first; `before` takes the `next` of the page before; admins see all, others what was done to things that they may read, without addresses, requests and token prefixes',
      query: auditFilters.extend({ limit, offset, before }),
      answer: z.object({
        logs: z.array(auditLog),
        total,
        /** False where only a part was counted: there are more. */
        totalIsExact: z.boolean(),
        next: text,
      }),
      handle: async ({ query, actor: { role } }) => {
        const filter = readableFilter(auditFilterOf(query), role);
        const page = { limit: query.limit, offset: query.offset, after: query.before ?? null };
        const { rows, next } = await listAudit(services.db, filter, page);
        const counted = await countAudit(services.db, filter);
        const isNothing = rows.length === 0 && next === null;
        const shown = isNothing ? 0 : query.offset + rows.length + (next === null ? 0 : 1);
        // Nothing is counted where several filters meet; a first page that is the last has shown them all.
        const isAll = next === null && query.before === undefined && !(isNothing && query.offset > 0);
        return {
          logs: rows.map((row) =>
            hasRole(role, 'admin') ? wireAudit(row) : withoutTraces(wireAudit(row), role),
          ),
          total: isAll ? shown : Math.max(shown, counted?.rows ?? 0),
          totalIsExact: isAll || (counted?.isExact ?? false),
          next: next === null ? null : cursorText(next),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/audit-logs/export',
      access: 'admin',
      summary: 'All rows that fit, newest first, as a file: `format` is `csv` or `jsonl`',
      query: auditFilters.extend({ format: z.enum(['csv', 'jsonl']) }),
      answer: z.string(),
      handle: ({ c, query: { format, ...said }, actor }) =>
        sendAudit(c, services, actor, { filter: auditFilterOf(said), format }),
    }),
    route({
      method: 'GET',
      path: '/api/audit-logs/verify',
      access: 'admin',
      summary:
        'Reads the whole chain: whether a row was changed, removed, added or moved since it was chained',
      answer: report,
      handle: async () => {
        const { isIntact: intact, start, head, faults, ...rest } = await verify();
        return { intact, ...rest, faults: [...faults], start: wireMark(start), head: wireMark(head) };
      },
    }),
  ] as const;
}

function wireMark(stored: ChainMark | null): z.input<typeof mark> | null {
  if (stored === null) return null;
  const { number, hash, at, signature } = stored;
  return { number, hash, at, signature };
}

/** Throws `forbidden` for a search by what is not shown: its answer would tell it. */
function readableFilter(filter: AuditFilter, role: Role): AuditFilter {
  if (hasRole(role, 'admin')) return filter;
  if (filter.address !== undefined || filter.requestId !== undefined) {
    throw new AppError('forbidden', 'Only admins may look for an address or a request in the audit');
  }
  return { ...filter, readable: readableBy(role) };
}

/** Where people are and which tokens they hold is for admins. */
function withoutTraces(row: z.input<typeof auditLog>, role: Role): z.input<typeof auditLog> {
  const details = mayReadDetails(role, row.resourceType) ? row.details : null;
  return { ...row, details, address: null, requestId: null, tokenPrefix: null };
}

function wireAudit(row: ListedAudit): z.input<typeof auditLog> {
  return {
    id: row.id,
    action: row.action,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    resourceName: row.resource_name,
    details: row.details,
    success: row.success === 1,
    error: row.error,
    createdAt: row.created_at,
    userId: row.user_id,
    environmentId: row.environment_id,
    apiTokenId: row.api_token_id,
    serviceAccountId: row.service_account_id,
    batchId: null,
    user:
      row.user_id === null || row.user_email === null
        ? null
        : { id: row.user_id, email: row.user_email, name: row.user_name },
    environment:
      row.environment_id === null || row.environment_name === null
        ? null
        : { id: row.environment_id, name: row.environment_name },
    serviceAccount:
      row.service_account_id === null || row.service_account_name === null
        ? null
        : { id: row.service_account_id, name: row.service_account_name },
    tokenPrefix: row.token_prefix,
    address: row.address,
    requestId: row.request_id,
    number: row.number,
    hash: row.hash,
  };
}
