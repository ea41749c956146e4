import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';
import { type Actor, auditEntry, recordAudit } from './audit.ts';
import { type AuditFilter, walkAudit } from './list-audit.ts';
import type { ListedAudit } from './names.ts';

export type ExportFormat = 'csv' | 'jsonl';

/** The columns of an export, by the names of the API. Those that the chain hashes are all among them. */
const COLUMNS = [
  ['createdAt', (row) => row.created_at],
  ['number', (row) => row.number],
  ['action', (row) => row.action],
  ['resourceType', (row) => row.resource_type],
  ['resourceId', (row) => row.resource_id],
  ['resourceName', (row) => row.resource_name],
  ['success', (row) => row.success === 1],
  ['error', (row) => row.error],
  ['userId', (row) => row.user_id],
  ['userEmail', (row) => row.user_email],
  ['serviceAccountId', (row) => row.service_account_id],
  ['serviceAccountName', (row) => row.service_account_name],
  ['apiTokenId', (row) => row.api_token_id],
  ['tokenPrefix', (row) => row.token_prefix],
  ['address', (row) => row.address],
  ['requestId', (row) => row.request_id],
  ['environmentId', (row) => row.environment_id],
  ['environmentName', (row) => row.environment_name],
  ['details', (row) => row.details],
  ['id', (row) => row.id],
  ['hash', (row) => row.hash],
] as const satisfies readonly (readonly [string, (row: ListedAudit) => string | number | boolean | null])[];

/**
 * The rows that fit, newest first, as a file of text that is read from the database while it is sent: a few hundred rows are in
 * memory at a time, and nothing is read before somebody wants it. That it was exported is the newest row in it.
 */
export async function exportAudit(
  { db, now }: Context,
  actor: Actor,
  filter: AuditFilter,
  format: ExportFormat,
): Promise<ReadableStream<Uint8Array>> {
  const { text, ...said } = filter;
  const filters = { ...said, ...(text === undefined ? {} : { q: text }) };
  await write(db, (trx) =>
    recordAudit(
      trx,
      actor,
      auditEntry('audit_log', 'export', { id: null }, { details: { format, filters } }),
      now(),
    ),
  );
  const chunks = format === 'csv' ? csv(walkAudit(db, filter)) : jsonLines(walkAudit(db, filter));
  return streamOf(chunks);
}

type Pages = AsyncIterable<readonly ListedAudit[]>;

async function* jsonLines(pages: Pages): AsyncGenerator<string> {
  for await (const rows of pages) {
    const lines = rows.map((row) =>
      JSON.stringify(Object.fromEntries(COLUMNS.map(([name, read]) => [name, read(row)]))),
    );
    yield `${lines.join('\n')}\n`;
  }
}

/** RFC 4180, in UTF-8. */
async function* csv(pages: Pages): AsyncGenerator<string> {
  yield `${COLUMNS.map(([name]) => cell(name)).join(',')}\r\n`;
  for await (const rows of pages) {
    yield rows.map((row) => `${COLUMNS.map(([, read]) => cell(read(row))).join(',')}\r\n`).join('');
  }
}

/**
 * One cell. Spreadsheets take text that begins so for a formula, which could send the table elsewhere: an apostrophe before it
 * makes it text (OWASP, CSV Injection).
 */
export function cell(value: string | number | boolean | null): string {
  if (value === null) return '""';
  const text = String(value);
  const harmless = /^\s*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}

function streamOf(texts: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      async pull(controller) {
        const next = await texts.next();
        if (next.done) controller.close();
        else controller.enqueue(encoder.encode(next.value));
      },
      async cancel() {
        await texts.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
