import { expect, it } from 'vitest';
import { createRandom } from '../attack/verdict.ts';
import { SEED } from '../support/seed.ts';
import { storedDump } from '../support/stored-dump.ts';
import { mutate } from './mutate.ts';
import { smallDumps } from './small-dumps.ts';

it('each change of a stored dump or of its manifest is found, and no dump that is as it was', async () => {
  for (const { dump, of } of smallDumps()) {
    const { bytes, manifest } = await storedDump(dump, of);
    expect(manifest).toMatch(of.format === 'binary' ? /"contents":null/ : /"rows":400/);
    expect(bytes.length).toBeGreaterThan(200);
  }
  const caught = await mutate(smallDumps(), { times: 2, random: createRandom(SEED) });
  const all = Object.values(caught);
  const [tried, found] = [sum(all.map((one) => one.tried)), sum(all.map((one) => one.caught))];
  console.log(`mutations, seed ${SEED}: ${found} of ${tried} caught`);
  expect(all.length).toBeGreaterThan(12);
  expect(Object.entries(caught).filter(([, one]) => one.caught < one.tried)).toEqual([]);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
