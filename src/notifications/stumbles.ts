/** What could not be told, in this process: it is tried again ever more rarely, and put aside in the end. */
export interface Stumbles {
  /** Those that are not to be tried yet. */
  waiting(now: Date): readonly string[];
  /** Notes one more failure; true where it is the last that is waited for. */
  add(id: string, now: Date): boolean;
  forget(id: string): void;
}

/** An hour, in which what is wrong with more than one is mended. */
const MOST_TRIES = 8;
const FIRST_PAUSE_MS = 30_000;

export function createStumbles(): Stumbles {
  const byId = new Map<string, { readonly tries: number; readonly at: number; readonly nextAt: number }>();
  return {
    waiting(now) {
      // One that lies ahead was noted before the clock was set back.
      const isEarly = (at: number, nextAt: number) => at <= now.getTime() && now.getTime() < nextAt;
      return [...byId].flatMap(([id, { at, nextAt }]) => (isEarly(at, nextAt) ? [id] : []));
    },
    add(id, now) {
      const tries = (byId.get(id)?.tries ?? 0) + 1;
      const at = now.getTime();
      byId.set(id, { tries, at, nextAt: at + FIRST_PAUSE_MS * 2 ** (tries - 1) });
      return tries >= MOST_TRIES;
    },
    forget(id) {
      byId.delete(id);
    },
  };
}
