import { quote } from '../../../hosts/quote.ts';
import type { Trial } from './try-form.ts';
import { withoutSecrets } from './try-form.ts';

/**
 * The request as a command for a POSIX shell, whatever was typed: each value is one quoted word. The token stands for itself as
 * `$TOKEN`, and what is secret in the body is left out.
 */
export function curlLine(
  origin: string,
  method: string,
  trial: Pick<Trial, 'target' | 'body' | 'key'> & { readonly needsToken: boolean },
  secretFields: readonly string[] = [],
): string {
  const { target, body, key, needsToken } = trial;
  return [
    `curl -sS -X ${method} ${quote(origin + target)}`,
    ...(needsToken ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    ...(key === null ? [] : [`-H ${quote(`Idempotency-Key: ${key}`)}`]),
    ...(body === null || body === ''
      ? []
      : [`-H 'Content-Type: application/json'`, `--data-raw ${quote(withoutSecrets(body, secretFields))}`]),
  ].join(' \\\n  ');
}
