import type { SpacesConfigRow } from '../db/schema.ts';
import type { S3Settings } from '../object-stores/s3/settings.ts';
import type { Vault } from '../secrets/vault.ts';

/** What the sealed columns of a row are bound to. */
export const identities = (id: string) => ({
  accessKey: `spaces:${id}:access_key`,
  secretKey: `spaces:${id}:secret_key`,
  sessionToken: `spaces:${id}:session_token`,
});

/** What requests to the configured storage are signed with, and what they ask for. */
export async function openKeys(
  row: SpacesConfigRow,
  vault: Vault,
): Promise<Pick<S3Settings, 'accessKey' | 'secretKey' | 'sessionToken' | 'encryption'>> {
  const bound = identities(row.id);
  return {
    accessKey: await vault.open(row.access_key, bound.accessKey),
    secretKey: await vault.open(row.secret_key, bound.secretKey),
    sessionToken: row.session_token === null ? null : await vault.open(row.session_token, bound.sessionToken),
    encryption:
      row.encryption === 'none' ? null : { algorithm: row.encryption, keyId: row.encryption_key_id },
  };
}
