import type { Message } from '../channels/channel.ts';
import { hmac } from '../secrets/hmac.ts';

/** What a signature is made of. */
interface Signed {
  readonly url: string;
  readonly body: string;
  /** Of the delivery: the same at each try. */
  readonly id: string;
  /** Null: it is not signed. */
  readonly secret: string | null;
  readonly at: Date;
}

const PREFIX = 'whsec_';

/**
 * A POST of JSON that says whose it is: by the contract's headers, the hex HMAC of the body, and by Standard Webhooks'
 * (standardwebhooks.com), the base64 HMAC of id, time and body, whose key is what stands in base64 behind `whsec_`, else the
 * secret as it is.
 */
export async function webhookMessage(event: string, { url, body, id, secret, at }: Signed): Promise<Message> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-bridgeport-event': event,
    'x-bridgeport-delivery': id,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
  };
  if (secret !== null) {
    const hex = [...(await hmac(bytesOf(secret), bytesOf(body)))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    headers['x-bridgeport-signature'] = `sha256=${hex}`;
    const standard = await hmac(standardKey(secret), bytesOf(`${id}.${timestamp}.${body}`));
    headers['webhook-signature'] = `v1,${btoa(String.fromCharCode(...standard))}`;
  }
  return { url, method: 'POST', body, headers };
}

/** A secret that nobody guesses, in the form that Standard Webhooks' libraries take. */
export function newWebhookSecret(): string {
  return `${PREFIX}${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
}

function standardKey(secret: string): Uint8Array<ArrayBuffer> {
  const coded = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : null;
  if (coded === null || !/^[A-Za-z0-9+/]+={0,2}$/.test(coded) || coded.length % 4 !== 0)
    return bytesOf(secret);
  return Uint8Array.from(atob(coded), (character) => character.charCodeAt(0));
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
