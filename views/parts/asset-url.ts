import { createContext, useContext } from 'hono/jsx';

/** Where a file of ours is loaded from, with the hash of what is in it; given around each page by whoever sends it. */
export const AssetUrlContext = createContext<(name: string) => string>((name) => `/assets/${name}`);

export function useAssetUrl(): (name: string) => string {
  return useContext(AssetUrlContext);
}
