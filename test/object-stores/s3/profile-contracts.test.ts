import { describe } from 'vitest';
import { BEHAVIOURS } from '../../../dev/bucket/behaviours.ts';
import { objectStoreContract } from '../../contracts/object-store.ts';
import {
  BUCKET,
  FULL,
  LARGE,
  listingOf,
  SCOPED,
  startProvider,
  titleOf,
} from '../../support/provider-place.ts';

/** The whole contract once for each way in which storages behave, against the profile of a provider that has it. */
for (const { name, by } of BEHAVIOURS) {
  describe(`a storage that ${name}`, () => {
    // With the key that sees least, where there is one: what it can do, a full one can.
    objectStoreContract(`${titleOf(by)} (profile)`, async () => {
      const { server, as, close } = await startProvider(by);
      return {
        store: as(listingOf(by) === 'none' ? FULL : SCOPED).s3.bucket(BUCKET),
        key: (file) => `test/${crypto.randomUUID()}/${file}`,
        unfinished: async (key) =>
          server.uploads(BUCKET).flatMap((upload) => (upload.key === key ? upload.uploadId : [])),
        keepsToken: by === 'storj' ? 'in one part' : true,
        largeBytes: LARGE,
        close,
      };
    });
  });
}
