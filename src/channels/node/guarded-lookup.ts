import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import type { AddressGuard } from '../address-guard.ts';

/** All addresses of a name. */
export type LookUp = (name: string) => Promise<readonly LookupAddress[]>;

const ask = promisify(lookup);
/** By the system's resolver. */
export const everyAddress: LookUp = (name) => ask(name, { all: true, verbatim: true });

/** What is not connected to. `why` ends a sentence about the host. */
export class Refused extends Error {
  readonly why: string;
  constructor(why: string) {
    super(why);
    this.why = why;
  }
}

/** Gives the socket those addresses of a name that the guard lets through: it connects to one of these and to no other. */
export function guardedLookup(lookUp: LookUp, guard: AddressGuard): LookupFunction {
  return (name, { all }, callback) => {
    lookUp(name).then(
      (found) => {
        const judged = found.map((entry) => ({ entry, why: guard.judge(name, entry.address) }));
        const fit = judged.filter(({ why }) => why === null).map(({ entry }) => entry);
        const [first] = fit;
        if (first === undefined) callback(new Refused(judged[0]?.why ?? 'it has no address'), []);
        else if (all === true) callback(null, fit);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}
