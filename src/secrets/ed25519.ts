import { fromBase64Url, toBase64Url } from './base64url.ts';

/** A key pair from its seed (RFC 8032). */
export interface Ed25519Signer {
  /** Base64url of the 32 bytes. */
  readonly publicKey: string;
  /** Base64url of the 64 bytes. */
  sign(text: string): Promise<string>;
}

/** What stands before the seed in PKCS #8 (RFC 8410). */
const PKCS8_HEAD = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

export async function ed25519Signer(seed: Uint8Array): Promise<Ed25519Signer> {
  const pkcs8 = Uint8Array.from([...PKCS8_HEAD, ...seed]);
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const { x = '' } = await crypto.subtle.exportKey('jwk', key);
  return {
    publicKey: x,
    sign: async (text) =>
      toBase64Url(new Uint8Array(await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(text)))),
  };
}

/** False also for what is no key or no signature. */
export async function isSignedBy(publicKey: string, signature: string, text: string): Promise<boolean> {
  const [raw, signed] = [fromBase64Url(publicKey), fromBase64Url(signature)];
  // The last letter has bits that mean nothing: only one spelling is taken.
  if (raw === null || signed === null || toBase64Url(signed) !== signature) return false;
  if (raw.length !== 32 || signed.length !== 64) return false;
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', key, signed, new TextEncoder().encode(text));
}
