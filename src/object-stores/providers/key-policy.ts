/** Something that a key is allowed, and for what this program needs it. */
export interface Permission {
  readonly permission: string;
  readonly features: readonly string[];
}

/**
 * How a key is limited at a provider: by a policy document as AWS has it, which says it all, or by clicks, of which each
 * permission is named here. In steps, one sentence each, `{buckets}` stands for the names of the buckets.
 */
export type KeyPolicy =
  | { readonly kind: 'document'; readonly steps: readonly string[] }
  | {
      readonly kind: 'clicks';
      readonly steps: readonly string[];
      readonly permissions: readonly Permission[];
      /** What can be allowed beside it, and what that would give. */
      readonly optional: readonly Permission[];
    };

/** One permission that stands for all that backups do. */
export function readAndWrite(permission: string): readonly Permission[] {
  const features = ['Test Connection', 'uploading and reading back', 'downloads', 'deleting and pruning'];
  return [{ permission, features: [...features, 'cleaning up'] }];
}

/** Where nothing of the provider's own is known. */
export const USUAL_CLICKS: KeyPolicy = {
  kind: 'clicks',
  steps: [
    'Create a key of its own for this program, if the provider lets you.',
    'Limit it to {buckets}, with the rights to list, read, write and delete objects and to list and abort multipart uploads.',
    'Leave out the rights to create, change and delete buckets: nothing here uses them.',
    'Enter the key, its secret and the bucket names here.',
  ],
  permissions: readAndWrite('list, read, write and delete objects'),
  optional: [{ permission: 'list buckets', features: ['discovering buckets'] }],
};
