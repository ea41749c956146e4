/**
 * Makes a large installation in DATA_DIR, for benches and for looking at pages that are full.
 *
 *   npm run fill -- [--databases 1000] [--backups 100000] [--environments 50] [--servers 200]
 *
 * An installation that is there already is left as it is.
 */
import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import { hasUsers } from '../../src/auth/users.ts';
import { AppError, isAppError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { createServices } from '../../src/services.ts';
import { fill, LOGIN } from './fill.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

try {
  await main();
} catch (error) {
  process.stderr.write(
    `${isAppError(error) ? error.message : error instanceof Error ? error.stack : error}\n`,
  );
  process.exit(1);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      environments: { type: 'string', default: '50' },
      servers: { type: 'string', default: '200' },
      databases: { type: 'string', default: '1000' },
      backups: { type: 'string', default: '100000' },
    },
  });
  const size = {
    environments: wholeNumber('environments', values.environments, 1),
    servers: wholeNumber('servers', values.servers, 0),
    databases: wholeNumber('databases', values.databases, 1),
    backups: wholeNumber('backups', values.backups, 0),
  };
  const startedAt = performance.now();
  const config = readConfig();
  const log = createLog('warn', say, () => new Date());
  const services = await createServices(config, { log, version: 'fill' });
  try {
    if (await hasUsers(services.db)) {
      throw new AppError(
        'config',
        `${config.dataDir} holds an installation already, which is left as it is. Set DATA_DIR to an empty folder.`,
      );
    }
    // What a power cut spoils is made again.
    await sql`pragma synchronous = off`.execute(services.db);
    await sql`pragma cache_size = -262144`.execute(services.db);
    await fill(services, size);
  } finally {
    await services.close();
  }
  say(
    `${config.dataDir} holds ${size.databases} databases and ${size.backups} backups, made in ` +
      `${((performance.now() - startedAt) / 1000).toFixed(1)} s.\n` +
      `Sign in as ${LOGIN.email} with the password ${LOGIN.password}`,
  );
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (/^\d{1,7}$/.test(text) && number >= least) return number;
  throw new AppError('config', `--${name} must be a whole number of at least ${least}, not "${text}".`);
}
