import type { RestoreRow } from '../../src/db/schema.ts';
import { NOTHING_REPLACED } from '../../src/restores/in-place.ts';

/** The row of a restore that has made nothing yet, of no backup that there is. */
export function restoreRow(change: Partial<RestoreRow> & Pick<RestoreRow, 'id'>): RestoreRow {
  return {
    backup_id: 'backup',
    database_id: 'database',
    environment_id: 'environment',
    server_id: null,
    engine: 'postgres',
    host: '127.0.0.1',
    port: 5432,
    database_name: 'shop',
    options: '{}',
    new_name: 'shop_restored',
    is_name_ours: 0,
    load_options: null,
    is_drill: null,
    token: 'token',
    credentials: null,
    state: 'none',
    checks: null,
    counts: null,
    loaded_ms: null,
    removal_tries: 0,
    removal_error: null,
    asked_by_id: null,
    created_at: '2026-01-01T00:00:00.000Z',
    ended_at: null,
    ...NOTHING_REPLACED,
    ...change,
  };
}
