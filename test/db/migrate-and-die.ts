import { CompiledQuery } from 'kysely';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';

/** A program that upgrades the SQLite file and is killed right after the given statement of the migration. */
const [file = '', statement = ''] = process.argv.slice(2);
let left: number | undefined;
const db = openDatabase(file, {
  log: ({ query }) => {
    if (/^create table "runs"/i.test(query.sql)) left = Number(statement);
    if (left === undefined) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
await db.executeQuery(CompiledQuery.raw('select 1'));
await migrate(db, { file: null, now: () => new Date() });
