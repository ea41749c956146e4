import type { ObjectStore } from './object-store.ts';
import type { OpenPlace } from './opened-store.ts';
import type { Place } from './place.ts';

/** Opens the place, and closes it after the action. */
export async function withStore(
  { openPlace }: { readonly openPlace: OpenPlace },
  place: Place,
  action: (store: ObjectStore) => Promise<void>,
): Promise<void> {
  const opened = await openPlace(place);
  try {
    await action(opened.store);
  } finally {
    await opened.close();
  }
}
