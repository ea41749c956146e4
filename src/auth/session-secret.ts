import type { Db } from '../db/schema.ts';
import { toBase64Url } from '../secrets/base64url.ts';
import { signingKey } from '../secrets/signing-keys.ts';
import type { SessionContext } from './context.ts';

/** Opened once for each database: tokens are checked before a request is counted, which has to be cheap. */
const opened = new WeakMap<Db, Promise<string>>();

/** What signs bearer tokens and the cookie of a browser: JWT_SECRET, or the sealed random key of this installation. */
export function sessionSecret(context: SessionContext): Promise<string> {
  const { config, db, vault } = context;
  if (config.jwtSecret !== null) return Promise.resolve(config.jwtSecret);
  const known = opened.get(db);
  if (known !== undefined) return known;
  const secret = signingKey(db, vault, 'session', context.now()).then((key) => toBase64Url(key.secret));
  opened.set(db, secret);
  secret.catch(() => opened.delete(db));
  return secret;
}
