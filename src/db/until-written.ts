import { revisionOf } from './revision.ts';
import type { Db } from './schema.ts';

/** Of one revision: other questions than pages ask are few. */
const MOST_KEPT = 300;

/**
 * What was read is told again until somebody writes, whoever it is: what a page tells of all databases is the same for everybody who
 * looks, and each part of it that looks again. `keyOf` names what was asked for; of moments, the time up to which it is the same. What
 * failed is asked anew. Where nobody can tell whether somebody has written (PostgreSQL), it is read each time.
 */
export function untilWritten<Asked extends readonly unknown[], Read>(
  read: (db: Db, ...asked: Asked) => Promise<Read>,
  keyOf: (...asked: Asked) => string = (...asked) => JSON.stringify(asked),
): (db: Db, ...asked: Asked) => Promise<Read> {
  const kept = new WeakMap<Db, { readonly revision: string; readonly answers: Map<string, Promise<Read>> }>();
  return async (db, ...asked) => {
    const revision = await revisionOf(db);
    if (revision === null) return read(db, ...asked);
    const known = kept.get(db);
    const isKnown = known?.revision === revision && known.answers.size < MOST_KEPT;
    const answers = isKnown ? known.answers : new Map<string, Promise<Read>>();
    if (!isKnown) kept.set(db, { revision, answers });
    const key = keyOf(...asked);
    const answer = answers.get(key) ?? read(db, ...asked);
    answers.set(key, answer);
    answer.catch(() => answers.delete(key));
    return answer;
  };
}
