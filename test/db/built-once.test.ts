import { afterAll, expect, it } from 'vitest';
import { builtOnce } from '../../src/db/built-once.ts';
import { write } from '../../src/db/write.ts';
import { dropStates, openState } from '../support/states.ts';

const NAME = 'Größe + "x" 🗝';
const environment = (id: string) => ({ id, name: `${NAME} ${id}`, created_at: '', updated_at: '' }) as never;

afterAll(dropStates);

it('What is built once asks the state that it is handed, and within a transaction sees what that has written', async () => {
  let times = 0;
  const environments = builtOnce((db) => {
    times += 1;
    return db.selectFrom('environments').select('id').orderBy('id');
  });
  const [one, other] = [await openState('SQLite'), await openState('PostgreSQL')];
  const idsIn = async (db: Parameters<typeof environments>[0]) =>
    (await environments(db).execute()).map(({ id }) => id);
  for (const db of [one, other]) expect(await idsIn(db)).toEqual([]);
  await one.insertInto('environments').values(environment('of one')).execute();
  await other.insertInto('environments').values(environment('of the other')).execute();
  expect([await idsIn(one), await idsIn(other)]).toEqual([['of one'], ['of the other']]);
  expect(times).toBe(2);
  for (const [db, name] of [
    [one, 'of one'],
    [other, 'of the other'],
  ] as const) {
    const undone = write(db, async (trx) => {
      await trx.insertInto('environments').values(environment('new')).execute();
      expect(await idsIn(trx)).toEqual(['new', name]);
      throw new Error('nothing of it stays');
    });
    await expect(undone).rejects.toThrow('nothing of it stays');
    // What a transaction built is kept for nobody: its connection is another's now.
    expect(await idsIn(db)).toEqual([name]);
  }
  // What is added makes another.
  expect(await environments(one).where('id', '=', 'unknown').execute()).toEqual([]);
  expect(await idsIn(one)).toEqual(['of one']);
  expect(times).toBe(4);
  await Promise.all([one.destroy(), other.destroy()]);
});
