import type { Actor } from '../audit/audit.ts';
import type { Db } from '../db/schema.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError, isAppError } from '../errors.ts';
import { getServerRow } from '../servers/servers.ts';
import {
  type Alongside,
  createDatabase,
  type DatabaseContext,
  type NewDatabase,
  newDatabase,
} from './databases.ts';
import { numbered, plainName } from './plain-name.ts';
import { type Registered, registeredOn } from './registered.ts';

/** What databases that were found together have in common: how they are reached, and what becomes of their backups. */
export type SharedSettings = Omit<NewDatabase, 'name' | 'serverId' | 'databaseName' | 'filePath'>;

export interface Registration {
  readonly registered: readonly Registered[];
  /** Of those that were not: what they are called, and why. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Registers each of the databases that were found on a server, by the names that their tools have for them: one write
 * each, so that one that is refused keeps no other from being registered. A name that the environment has already gets
 * a number. `after` is done in the write of each. Throws `not_found`, and `invalid` for settings that none can have.
 */
export async function registerFound(
  context: DatabaseContext,
  actor: Actor,
  serverId: string,
  settings: SharedSettings,
  found: readonly string[],
  after?: Alongside['after'],
): Promise<Registration> {
  const server = await getServerRow(context.db, serverId);
  const engine = engineFor(settings.type);
  if (engine === undefined)
    throw new AppError('invalid', `No databases of the type ${settings.type} are found.`);
  const taken = await namesIn(context.db, server.environment_id);
  const registered: Registered[] = [];
  const refused: { name: string; reason: string }[] = [];
  for (const one of new Set(found)) {
    const create = (name: string) =>
      createDatabase(
        context,
        actor,
        server.environment_id,
        checked({
          ...settings,
          ...{ name, serverId },
          ...(engine.isFile ? { filePath: one } : { databaseName: one }),
        }),
        {
          async refuse(trx) {
            const present = (await registeredOn(trx, server, engine, settings)).get(one);
            if (present === undefined) return;
            throw new AppError('conflict', `It is registered already, as ${JSON.stringify(present.name)}.`);
          },
          after,
        },
      );
    try {
      const { id, name } = await createNumbered(create, plainName(one, engine.isFile), taken);
      registered.push({ id, name });
    } catch (error) {
      if (!isAppError(error, 'invalid', 'conflict')) throw error;
      refused.push({ name: one, reason: reasonOf(error) });
    }
  }
  return { registered, refused };
}

/** Throws `invalid` with what is wrong. */
function checked(input: NewDatabase): NewDatabase {
  const parsed = newDatabase.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AppError('invalid', 'Invalid input', { details: { issues: parsed.error.issues } });
}

const MOST_NUMBERS = 100;

/** Tries the name, then the name with a number, until one is free: another person may take one meanwhile. */
async function createNumbered(
  create: (name: string) => Promise<Registered>,
  wanted: string,
  taken: Set<string>,
): Promise<Registered> {
  for (let number = 1; number <= MOST_NUMBERS; number += 1) {
    const name = numbered(wanted, number);
    if (taken.has(name)) continue;
    try {
      const made = await create(name);
      taken.add(name);
      return made;
    } catch (error) {
      if (!isAppError(error, 'conflict') || error.details.field !== 'name') throw error;
      taken.add(name);
    }
  }
  throw new AppError(
    'conflict',
    `There are ${MOST_NUMBERS} databases of that name already. Register it by hand.`,
  );
}

async function namesIn(db: Db, environmentId: string): Promise<Set<string>> {
  const rows = await db
    .selectFrom('databases')
    .select('name')
    .where('environment_id', '=', environmentId)
    .execute();
  return new Set(rows.map(({ name }) => name));
}

function reasonOf({ message, details: { issues } }: AppError): string {
  if (issues === undefined) return message;
  return issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
}
