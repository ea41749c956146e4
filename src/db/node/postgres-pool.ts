import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { AppError, isAppError } from '../../errors.ts';

/**
 * A pool for Kysely whose errors are translated, and which gives no connection to the next one whose state is not known.
 * Text is written without NUL, which PostgreSQL can't hold: what is looked for by it is not found, as on SQLite.
 */
export function translatingPool(pool: pg.Pool, translate: (error: unknown) => unknown): PostgresPool {
  // A connection that breaks while nobody asks it anything; whoever asks next is told, or gets another.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    options: {},
    end: () => pool.end(),
    async connect() {
      try {
        return guard(await pool.connect(), translate);
      } catch (error) {
        throw translate(error);
      }
    },
  };
}

function guard(client: pg.PoolClient, translate: (error: unknown) => unknown): PostgresPoolClient {
  let isBroken = false;
  async function query(text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> {
    try {
      return await client.query(text, parameters.map(withoutNul));
    } catch (error) {
      const translated = translate(error);
      // The server has not answered, or is gone: whatever it would say later belongs to nobody.
      isBroken ||= isAppError(translated) && translated.details.isLost === true;
      // It must not hide why it was needed; the server rolls back by itself where the connection ends.
      if (text === 'rollback') return rolledBack();
      throw text === 'commit' && isBroken && wasSent(error) ? unknownOutcome(translated) : translated;
    }
  }
  function rolledBack(): pg.QueryResult {
    isBroken = true;
    return { command: 'ROLLBACK', rowCount: null, oid: 0, fields: [], rows: [] };
  }
  return {
    // Kysely asks for a cursor only where it streams, which nobody does.
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy === true || isBroken),
  };
}

/** pg does not send to a connection that it knows to be cut. */
function wasSent(error: unknown): boolean {
  return !(error instanceof Error && error.message.endsWith('not queryable'));
}

function withoutNul(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

/** Only the commit itself may have been done where the answer is lost: it must not be done again unseen. */
function unknownOutcome(error: unknown): AppError {
  return new AppError(
    'unavailable',
    `${isAppError(error) ? error.message : ''} Whether the last change was saved is not known: look before you try again.`,
    { cause: error, details: { retryAfterSeconds: 5 } },
  );
}
