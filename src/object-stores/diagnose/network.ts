import { networkCode } from '../s3/errors.ts';
import { chainOf, explainNetwork } from '../s3/network-failure.ts';
import { proxyFailure } from '../s3/proxy-failure.ts';
import { type Diagnosis, diagnosis } from './diagnosis.ts';
import { wantsSignIn } from './refusal.ts';

/** Why no answer came, from the error of the connection. `endpoint` is `https://host[:port]`. */
export function diagnoseNetwork(
  error: unknown,
  endpoint: string,
  { bucket, proxy }: { readonly bucket: string | null; readonly proxy: string | null },
): Diagnosis {
  const code = networkCode(error);
  if (proxy !== null) {
    const failure = proxyFailure(error, code, { proxy, host: new URL(endpoint).host });
    if (failure !== null) return diagnosis('proxy', capital(failure.sentence), { bucket });
  }
  if (chainOf(error).some(isProxyRefusal)) {
    return diagnosis('proxy', wantsSignIn(new URL(endpoint).host), { bucket });
  }
  const { kind, sentence } = explainNetwork(code, error, new URL(endpoint));
  const known = `${sentence} (${code})`.replace(/\.? \(([^)]*)\)$/, ' ($1).');
  const way = proxy === null ? '' : ` Requests go through the proxy ${proxy}.`;
  return diagnosis(kind, `${known}${way}`, { bucket });
}

const capital = (sentence: string) => `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}`;

/** Fetch makes an error of a 407, without a code: in Node's implementation even without a message. */
function isProxyRefusal({ message, ...rest }: Error): boolean {
  return /proxy authentication required/i.test(message) || (message === '' && !('code' in rest));
}
