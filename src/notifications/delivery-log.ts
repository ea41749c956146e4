import type { Db, DeliveryRow } from '../db/schema.ts';

/** What was sent, is on its way, or was given up. */
export interface LoggedDelivery {
  readonly id: string;
  readonly way: DeliveryRow['way'];
  readonly recipient: string;
  readonly event: string;
  readonly status: DeliveryRow['status'];
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly lastError: string | null;
  readonly responseStatus: number | null;
  readonly createdAt: string;
  readonly deliveredAt: string | null;
}

/** Of which target; null: all. */
export interface DeliveryFilter {
  readonly way: DeliveryRow['way'];
  readonly targetId: string;
}

/** Newest first. */
export async function listDeliveries(
  db: Db,
  filter: DeliveryFilter | null,
  page: { readonly limit: number; readonly offset: number },
): Promise<readonly LoggedDelivery[]> {
  const rows = await matching(db, filter)
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  return rows.map(logged);
}

/** As many as are looked through, at most. */
export async function countDeliveries(db: Db, filter: DeliveryFilter | null): Promise<number> {
  const rows = await matching(db, filter)
    .select('id')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(MOST_COUNTED)
    .execute();
  return rows.length;
}

const MOST_COUNTED = 1000;

function matching(db: Db, filter: DeliveryFilter | null) {
  return db
    .selectFrom('deliveries')
    .$if(filter !== null, (query) =>
      query.where('way', '=', filter?.way ?? 'email').where('target_id', '=', filter?.targetId ?? ''),
    );
}

function logged(row: DeliveryRow): LoggedDelivery {
  const { id, way, recipient, event, status, attempts } = row;
  return {
    ...{ id, way, recipient, event, status, attempts, nextAttemptAt: row.next_try_at },
    ...{ lastError: row.last_error, responseStatus: row.response_status },
    ...{ createdAt: row.created_at, deliveredAt: row.delivered_at },
  };
}
