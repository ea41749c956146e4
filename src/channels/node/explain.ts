import type { NotSent } from '../channel.ts';

/** Why a message did not arrive, by what Node and undici say of it; their own words may hold the address and are not repeated. */
export function explain(
  host: string,
  error: unknown,
  { timeoutMs, isOver }: { readonly timeoutMs: number; readonly isOver: boolean },
): NotSent {
  const code = codeOf(error);
  if (isOver || code.includes('TIMEOUT') || code === 'ETIMEDOUT') {
    return passing(`${host} did not answer within ${Math.round(timeoutMs / 1000)} s.`);
  }
  if (code === 'ENOTFOUND') return passing(`The name of ${host} is not known to DNS.`);
  if (code === 'EAI_AGAIN')
    return passing(`The name of ${host} could not be looked up: DNS does not answer.`);
  if (code === 'ECONNREFUSED') return passing(`${host} refused the connection: nothing listens there.`);
  if (/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/.test(code)) {
    return passing(`There is no way to ${host} from here (${code}).`);
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/.test(code)) {
    return passing(
      `The TLS certificate of ${host} is not trusted, or it speaks no TLS (${code}). NODE_EXTRA_CA_CERTS names a file of further certificates.`,
    );
  }
  const isGarbage = code.startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError');
  if (isGarbage) return passing(`What ${host} answered is not HTTP.`);
  return passing(`The connection to ${host} ended before it had answered${code === '' ? '' : ` (${code})`}.`);
}

const passing = (reason: string): NotSent => ({ reason, mayPass: true });

/** Of the first cause that has one: several addresses that were tried are several causes. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string') return code;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return codeOf(inner);
}
