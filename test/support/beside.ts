import { describe } from 'vitest';

/**
 * A suite that runs beside the others of its file which begin so, its tests one after the other: for files that wait for
 * others more than they work themselves, where each suite has servers, folders and an app of its own.
 */
export function beside(name: string, tests: () => void): void {
  describe.concurrent(name, () => {
    describe('in turn', { concurrent: false }, tests);
  });
}
