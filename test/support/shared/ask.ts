import { randomBytes } from 'node:crypto';
import { expect, inject } from 'vitest';

/** By test file: those that follow each other in one worker share this module. */
const suffixes = new Map<string | undefined, string>();

/** Seven signs that belong to this test file, in this run. */
export function ownSuffix(): string {
  const { testPath } = expect.getState();
  const suffix = suffixes.get(testPath) ?? randomBytes(4).toString('hex').slice(1);
  suffixes.set(testPath, suffix);
  return suffix;
}

/** A name that no other test file has on a shared server. */
export function ownName(name: string): string {
  return `${name} ${ownSuffix()}`;
}

/** A name that another test file has given by `ownName`: it comes and goes beside this one. */
export function isOthers(name: string): boolean {
  return / [0-9a-f]{7}$/.test(name) && !name.endsWith(ownSuffix());
}

/** Where the run's server of that kind is; the first who asks waits for its start. */
export async function askForShared<Place>(kind: string): Promise<Place> {
  const answer = await fetch(`${inject('sharedServers')}/${kind}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the shared server ${kind} did not start: ${text}`);
  // What the keeper's launcher of that kind gave.
  return JSON.parse(text) as Place;
}
