import { addressGuard, addressInUrl } from '../channels/address-guard.ts';
import { isFitForSecrets } from '../channels/guarded-fetch.ts';

const DISCOVERY = /\/?\.well-known\/openid-configuration\/?$/;

/** The issuer that a person typed, or pasted with the address of its settings behind it; or why it is none, in a sentence. */
export function issuerOf(typed: string): { readonly issuer: string } | { readonly wrong: string } {
  const text = typed.trim();
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return { wrong: 'Must be an https URL' };
  if (url.username !== '' || url.password !== '') return { wrong: 'Must hold no user name and no password' };
  if (url.search !== '' || url.hash !== '') return { wrong: 'Must hold no ? and no #' };
  if (!isFitForSecrets(url)) {
    return { wrong: 'Must be https: http is taken of a provider on this machine itself alone' };
  }
  const literal = addressInUrl(url.hostname);
  // Metadata services and the like: what is private may be named, and is judged where it is connected to.
  const never = literal === null ? null : addressGuard([literal]).judge(url.hostname, literal);
  if (never !== null) return { wrong: `Nothing may be sent there: ${never}` };
  return { issuer: text.replace(DISCOVERY, '') };
}
