import { AppError } from '../errors.ts';
import { addressGuard, addressInUrl, NAME_PRIVATE_HOSTS } from './address-guard.ts';

/**
 * The address that a person typed, as URLs spell it, without what stands behind `#`. What its name leads to is judged when it is
 * connected to; here what it is itself. Throws `invalid` of the field `url` where nothing may be sent there. `allowed`: private
 * hosts that an admin has named.
 */
export function urlOfTarget(text: string, allowed: readonly string[]): URL {
  const url = URL.parse(text.trim());
  if (url === null || !/^https?:$/.test(url.protocol)) throw refusal('Must be an http or https URL');
  if (url.username !== '' || url.password !== '') throw refusal('Must hold no user name and no password');
  url.hash = '';
  const isLocalName = /(^|\.)localhost\.?$/.test(url.hostname);
  const address = addressInUrl(url.hostname) ?? (isLocalName ? '127.0.0.1' : null);
  const why = address && addressGuard(allowed).judge(url.hostname, address);
  if (why) {
    throw refusal(`Nothing may be sent to ${url.host}: ${why}. ${NAME_PRIVATE_HOSTS}`);
  }
  return url;
}

function refusal(message: string): AppError {
  const issues = [{ path: ['url'], message, code: 'custom' }];
  return new AppError('invalid', 'Invalid input', { details: { issues } });
}
