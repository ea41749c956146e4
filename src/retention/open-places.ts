import type { OpenedStore, OpenPlace } from '../object-stores/opened-store.ts';

/** Opens each place once, however often it is asked for, and closes all at the end: a connection to a host is dear. */
export function keepPlacesOpen(openPlace: OpenPlace): {
  readonly openPlace: OpenPlace;
  readonly close: () => Promise<void>;
} {
  const opened = new Map<string, Promise<OpenedStore>>();
  return {
    async openPlace(place) {
      const { endpoint, region, bucket } = place;
      const name = JSON.stringify([endpoint, region, bucket]);
      let opening = opened.get(name);
      if (opening === undefined) {
        opening = openPlace(place);
        opened.set(name, opening);
        // One that could not be opened is tried anew.
        opening.catch(() => opened.delete(name));
      }
      return { store: (await opening).store, close: async () => {} };
    },
    async close() {
      const all = await Promise.allSettled(opened.values());
      for (const one of all) if (one.status === 'fulfilled') await one.value.close();
    },
  };
}
