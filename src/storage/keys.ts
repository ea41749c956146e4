import type { StorageConfigRow } from '../db/schema.ts';
import type { S3Settings } from '../object-stores/s3/settings.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { Vault } from '../secrets/vault.ts';

/** What requests to the configured storage are signed with, and what they ask for. */
export async function openKeys(
  row: StorageConfigRow,
  vault: Vault,
): Promise<Pick<S3Settings, 'accessKey' | 'secretKey' | 'sessionToken' | 'encryption'>> {
  const { id, session_token: token } = row;
  return {
    accessKey: await vault.open(row.access_key, SEALED.storageAccessKey.identity(id)),
    secretKey: await vault.open(row.secret_key, SEALED.storageSecretKey.identity(id)),
    sessionToken: token === null ? null : await vault.open(token, SEALED.storageSessionToken.identity(id)),
    encryption:
      row.encryption === 'none' ? null : { algorithm: row.encryption, keyId: row.encryption_key_id },
  };
}
