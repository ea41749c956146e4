/** Work of which one round goes on at a time. */
export interface Rounds {
  /** Begins a round unless one goes on. */
  begin(): void;
  /** What goes on now, if anything does; never throws. */
  going(): Promise<void> | undefined;
}

interface RoundsOptions {
  /** Nothing is begun while it is false. */
  readonly isOn: () => boolean;
  /** What is asked for during a round is done right after it; otherwise it is left to whoever begins the next one. */
  readonly isRepeated?: boolean;
  readonly onError: (error: unknown) => void;
}

export function createRounds(
  work: () => Promise<void>,
  { isOn, isRepeated, onError }: RoundsOptions,
): Rounds {
  let going: Promise<void> | undefined;
  let again = false;

  function begin(): void {
    if (!isOn()) return;
    if (going) {
      again = isRepeated === true;
      return;
    }
    going = work()
      .catch(onError)
      .finally(() => {
        going = undefined;
        if (!again) return;
        again = false;
        begin();
      });
  }

  return { begin, going: () => going };
}
