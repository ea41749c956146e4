import { AppError } from '../errors.ts';
import { fromBase64Url, toBase64Url } from './base64url.ts';

/**
 * Seals secrets for the database with AES-256-GCM. `identity` names the row and column that the secret belongs to
 * (`environment:<id>:ssh_private_key`); it is bound to the ciphertext, so that one can't be moved to another row.
 */
export interface Vault {
  seal(plain: string, identity: string): Promise<string>;
  /** Throws `secret_unreadable` for another key, another identity or a changed ciphertext. */
  open(sealed: string, identity: string): Promise<string>;
  /** Names the key that seals; says nothing about the key itself. */
  readonly keyId: string;
  /** True for what the key that seals now sealed. */
  isPresent(sealed: string): boolean;
}

const VERSION = 'v1';
const NONCE_BYTES = 12;
const KEY_BYTES = 32;

/**
 * A vault that seals with the master key (32 bytes) and opens also what previous keys sealed.
 * Sealed text is `v1.<key id>.<nonce>.<ciphertext and tag>`, each base64url.
 */
export async function createVault(
  masterKey: Uint8Array,
  previousKeys: readonly Uint8Array[] = [],
): Promise<Vault> {
  const current = await importKey(masterKey);
  const keys = [current, ...(await Promise.all(previousKeys.map(importKey)))];
  return {
    seal: (plain, identity) => seal(current, plain, identity),
    open: (sealed, identity) => open(keys, sealed, identity),
    keyId: current.id,
    isPresent: (sealed) => sealed.startsWith(`${VERSION}.${current.id}.`),
  };
}

interface VaultKey {
  readonly id: string;
  readonly key: CryptoKey;
}

async function importKey(bytes: Uint8Array): Promise<VaultKey> {
  if (bytes.length !== KEY_BYTES) throw new AppError('config', `A master key is ${KEY_BYTES} bytes long.`);
  const raw = new Uint8Array(bytes);
  const named = new Uint8Array([...new TextEncoder().encode('bridgeport key id:'), ...raw]);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', named));
  return {
    id: toBase64Url(digest.subarray(0, 6)),
    key: await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']),
  };
}

async function seal({ id, key }: VaultKey, plain: string, identity: string): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(
    algorithm(nonce, id, identity),
    key,
    new TextEncoder().encode(plain),
  );
  return [VERSION, id, toBase64Url(nonce), toBase64Url(new Uint8Array(sealed))].join('.');
}

async function open(keys: readonly VaultKey[], sealed: string, identity: string): Promise<string> {
  const [version, id, nonceText = '', bodyText = '', ...rest] = sealed.split('.');
  const nonce = fromBase64Url(nonceText);
  const body = fromBase64Url(bodyText);
  const isKnownForm = version === VERSION && rest.length === 0 && nonce?.length === NONCE_BYTES;
  if (!isKnownForm || body === null) throw unreadable(identity, 'it is damaged');
  const found = keys.find((key) => key.id === id);
  if (found === undefined) throw unreadable(identity, 'it was sealed with another master key');
  try {
    const plain = await crypto.subtle.decrypt(algorithm(nonce, found.id, identity), found.key, body);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
  } catch (cause) {
    throw unreadable(identity, 'it was changed or belongs elsewhere', cause);
  }
}

function algorithm(iv: Uint8Array<ArrayBuffer>, keyId: string, identity: string): AesGcmParams {
  const additionalData = new TextEncoder().encode(`${VERSION}.${keyId}.${identity}`);
  return { name: 'AES-GCM', iv, additionalData };
}

function unreadable(identity: string, reason: string, cause?: unknown): AppError {
  return new AppError(
    'secret_unreadable',
    `The stored secret ${identity} can't be opened: ${reason}. Enter it again, or start with the master key that sealed it.`,
    { cause },
  );
}
