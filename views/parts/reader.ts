import { createContext, useContext } from 'hono/jsx';

export type Theme = 'auto' | 'light' | 'dark';

/** Who reads the page: what "3 h ago" counts from, and whose zone exact times are in. */
export interface Reader {
  readonly now: Date;
  /** An IANA name, such as `Europe/Berlin`. */
  readonly zone: string;
  readonly theme: Theme;
}

/** Given around each page and fragment by whoever sends it, so that no component has to hand it on. */
export const ReaderContext = createContext<Reader | null>(null);

/** Null where a component is rendered by itself. */
export function useReader(): Reader | null {
  return useContext(ReaderContext);
}
