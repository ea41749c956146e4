import * as z from 'zod';
import type { AuditFilter } from '../audit/list-audit.ts';

const MOST = 300;

/** What stands in an address; without what no database can hold, and nothing where it is empty. */
const word = z
  .string()
  .max(MOST)
  .refine((text) => !text.includes('\0'), { error: 'Must be text without NUL' })
  .transform((text) => text.trim() || undefined)
  .optional();

/** A day, which begins at midnight UTC, or an instant. */
const moment = z
  .union([z.literal(''), z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'Must be a date (2026-11-29) or an instant (2026-11-29T12:00:00Z)',
  })
  .transform((text) => (text === '' ? undefined : new Date(text).toISOString()))
  .optional();

/** The filters of the audit, as API and page have them in their addresses. */
export const auditFilters = z.object({
  environmentId: word,
  resourceType: word,
  resourceId: word,
  action: word,
  userId: word,
  serviceAccountId: word,
  apiTokenId: word,
  address: word,
  requestId: word,
  success: z
    .enum(['true', 'false', ''])
    .transform((text) => (text === '' ? undefined : text === 'true'))
    .optional(),
  since: moment,
  until: moment,
  q: word,
});

/** The filter that they say, with nothing in it that they don't, and nothing that stands beside them. */
export function auditFilterOf(query: z.output<typeof auditFilters>): AuditFilter {
  const { q: text, ...said } = pick(query);
  return text === undefined ? said : { ...said, text };
}

function pick(query: z.output<typeof auditFilters>): z.output<typeof auditFilters> {
  const known = Object.keys(auditFilters.shape);
  return Object.fromEntries(
    Object.entries(query).filter(([name, value]) => known.includes(name) && value !== undefined),
  );
}
