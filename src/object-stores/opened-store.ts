import type { ObjectStore } from './object-store.ts';
import type { Place } from './place.ts';

/** Opens the store of a recorded place with the present credentials. Whoever opens it closes it. */
export type OpenPlace = (place: Place) => Promise<OpenedStore>;

export interface OpenedStore {
  readonly store: ObjectStore;
  close(): Promise<void>;
}
