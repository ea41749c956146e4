import type { Context } from 'hono';
import type { Actor } from '../audit/audit.ts';
import { type ExportFormat, exportAudit } from '../audit/export-audit.ts';
import type { AuditFilter } from '../audit/list-audit.ts';
import { attachment } from '../content-disposition.ts';
import type { Services } from '../services-port.ts';

const TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  jsonl: 'application/x-ndjson; charset=utf-8',
};

/** The rows of the audit that fit, as a file. */
export async function sendAudit(
  c: Context,
  services: Services,
  actor: Actor,
  { filter, format }: { readonly filter: AuditFilter; readonly format: ExportFormat },
): Promise<Response> {
  const day = services.now().toISOString().slice(0, 10);
  const body = await exportAudit(services, actor, filter, format);
  return c.body(body, 200, {
    'Content-Type': TYPES[format],
    'Content-Disposition': attachment(`audit-${day}.${format}`),
    'Cache-Control': 'no-store',
  });
}
