import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';

const SUFFIX = randomBytes(4).toString('hex').slice(1);

/** Seven signs that belong to this test file, in this run. */
export function ownSuffix(): string {
  return SUFFIX;
}

/** A name that no other test file has on a shared server. */
export function ownName(name: string): string {
  return `${name} ${SUFFIX}`;
}

/** Where the run's server of that kind is; the first who asks waits for its start. */
export async function askForShared<Place>(kind: string): Promise<Place> {
  const answer = await fetch(`${inject('sharedServers')}/${kind}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the shared server ${kind} did not start: ${text}`);
  // What the keeper's launcher of that kind gave.
  return JSON.parse(text) as Place;
}
