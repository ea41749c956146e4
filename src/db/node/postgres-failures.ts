import { AppError } from '../../errors.ts';

/** What messages may tell of a connection string. */
export interface PostgresServer {
  /** `127.0.0.1:5432`, or the folder of a socket. */
  readonly address: string;
  readonly database: string;
  readonly user: string;
}

/**
 * What PostgreSQL, or the way to it, says about anything but the statement itself, as `unavailable` with a sentence for the
 * admin: `isBusy` where nothing was done and the same may succeed a moment later, `isLost` where the connection is of no use
 * any more. Anything else, such as a constraint, is given back as it is. The password is in none of pg's messages.
 */
export function translatePostgresError(error: unknown, server: PostgresServer): unknown {
  const state = sqlStateOf(error);
  const failure = state === null ? wayFailure(error, server) : stateFailure(state, error, server);
  if (failure === null) return error;
  const { message, ...details } = failure;
  return new AppError('unavailable', message, {
    cause: error,
    details: { retryAfterSeconds: 5, ...details },
  });
}

interface Failure {
  readonly message: string;
  readonly isBusy?: true;
  readonly isLost?: true;
}

/** The five signs of PostgreSQL's own error codes; null for an error that is not the server's. */
function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return null;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
}

/** PostgreSQL's appendix A. */
function stateFailure(state: string, error: unknown, server: PostgresServer): Failure | null {
  const { address, database, user } = server;
  const said = messageOf(error);
  switch (state) {
    // Nothing is wrong: transactions that can't have run one after the other, or that wait for each other.
    case '40001':
    case '40P01':
      return {
        message: 'Others change the same data at this moment. Nothing was saved; try again.',
        isBusy: true,
      };
    case '55P03':
      return {
        message:
          `Another session holds a lock in the database "${database}" at ${address} (${said}). End it or wait for it; ` +
          'nothing else needs to be done.',
        isBusy: true,
      };
    case '57014':
      return {
        message: `The database "${database}" at ${address} took too long with a statement (${said}). Look at its load and its locks.`,
      };
    case '28P01':
    case '28000':
      return {
        message: `The PostgreSQL at ${address} refuses the user "${user}" of DATABASE_URL: ${said}. Check the password and pg_hba.conf.`,
      };
    case '3D000':
      return {
        message: `The PostgreSQL at ${address} has no database "${database}". Make it: CREATE DATABASE, owned by "${user}".`,
      };
    case '42501':
      return {
        message:
          `The user "${user}" may not do this in the database "${database}" at ${address}: ${said}. Make it the owner of the ` +
          'database, or grant what is missing.',
      };
    case '25006':
      return {
        message:
          `Nothing can be saved: the PostgreSQL at ${address} only reads (${said}). It is a standby, or was set to read-only. ` +
          'Let DATABASE_URL name the primary.',
        isLost: true,
      };
    case '53100':
      return {
        message: `Nothing can be saved: the disk of the PostgreSQL at ${address} is full (${said}). Free some space on it; nothing else needs to be done.`,
      };
    case '53300':
      return {
        message:
          `The PostgreSQL at ${address} has no connection left for this app (${said}). Raise its max_connections, or run ` +
          'fewer replicas: each takes up to 12.',
        isBusy: true,
      };
    case '57P01':
    case '57P02':
    case '57P03':
    case '25P03':
    case '57P05':
      return { message: unreachable(server, said), isBusy: true, isLost: true };
  }
  // Connection exceptions, other lacks of resources, errors of the server's system and its own.
  if (state.startsWith('08')) return { message: unreachable(server, said), isBusy: true, isLost: true };
  if (/^(53|58|XX|F0)/.test(state)) {
    return {
      message: `The PostgreSQL at ${address} can't do its work: ${said} (${state}). Its log says more.`,
      isLost: true,
    };
  }
  return null;
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'nothing answers',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'no such name is known',
  EAI_AGAIN: 'its name could not be looked up',
  ENOENT: 'there is no such socket',
  EACCES: 'its socket may not be used',
};

/** What pg, Node's sockets and its TLS say; pg has no codes of its own. */
function wayFailure(error: unknown, server: PostgresServer): Failure | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error ? String(error.code) : '';
  const known = UNREACHABLE[code];
  if (known !== undefined)
    return { message: unreachable(server, `${known} (${code})`), isBusy: true, isLost: true };
  const said = messageOf(error);
  if (/^Connection terminated|^Client has encountered a connection error|not queryable/.test(said)) {
    return { message: unreachable(server, 'the connection was cut'), isBusy: true, isLost: true };
  }
  if (
    /^Query read timeout|^timeout expired|^timeout exceeded/.test(said) ||
    /connection timeout/.test(said)
  ) {
    return { message: unreachable(server, 'it does not answer in time'), isBusy: true, isLost: true };
  }
  if (/client password must be/.test(said)) {
    return {
      message: `The PostgreSQL at ${server.address} asks for a password of the user "${server.user}", and DATABASE_URL has none.`,
    };
  }
  if (
    /^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code) ||
    /SSL|certificate/.test(said)
  ) {
    return {
      message:
        `No secure connection to the PostgreSQL at ${server.address}: ${said}. Name the certificate of its authority in ` +
        'DATABASE_URL (sslrootcert=/path/to/ca.pem), or another sslmode.',
    };
  }
  return null;
}

function unreachable({ address }: PostgresServer, why: string): string {
  return `The PostgreSQL of this app at ${address} can't be reached: ${why}. Check that it runs and that DATABASE_URL names it; nothing else needs to be done.`;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
