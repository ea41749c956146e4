import { createApp } from './app.ts';
import { prepareFirstAdmin } from './auth/first-admin.ts';
import { type Config, describeConfig } from './config.ts';
import { AppError, isAppError } from './errors.ts';
import { serveApp } from './http/node/serve.ts';
import type { Rotation } from './installation/node/rotate-master-key.ts';
import { createLog, droppedLine, type Log } from './log.ts';
import { logOutput } from './node/log-output.ts';
import { readConfig } from './node/read-config.ts';
import { createServices, openForCommand, type RunningServices, rotateMasterKeyOf } from './services.ts';

declare const __VERSION__: string | undefined;
const version = typeof __VERSION__ === 'string' ? __VERSION__ : '0.0.0-dev';

/** A stop is over by then, whatever still runs; containers are given longer. */
const STOP_WITHIN_MS = 8_000;
const SETTLE_WITHIN_MS = 6_000;
const FIRST_ANSWERS_MS = 50;
/** Of reset-password. */
const TAKE_OFF = '--without-second-factor';
const MOST_ADMINS = 20;

// Where these can't be written any more, their failure must not become an uncaught exception, which is written there.
process.stderr.on('error', () => undefined);
process.stdout.on('error', () => undefined);

main(process.argv.slice(2)).catch(giveUp);

/** What an admin can mend is a sentence; anything else is shown with its stack. */
function giveUp(error: unknown): never {
  process.stderr.write(
    isAppError(error) ? `${error.message}\n` : `${error instanceof Error ? error.stack : error}\n`,
  );
  process.exit(1);
}

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args;
  const config = readConfig();
  if (command === 'reset-password') {
    await resetPasswordOf(config, rest);
    return;
  }
  if (command === 'rotate-master-key') {
    await print(describeRotation(await rotateMasterKeyOf(config)));
    return;
  }
  if (command !== undefined)
    throw new Error(
      `Unknown command "${command}". Commands: reset-password <email> [${TAKE_OFF}], rotate-master-key.`,
    );
  const now = () => new Date();
  const output = logOutput(
    { fd: 1, stream: process.stdout },
    { dropped: (count) => droppedLine(count, now()) },
  );
  const log = createLog(config.logLevel, output, now);
  log.info('starting', { version, config: describeConfig(config) });
  const services = await createServices(config, { log, version });
  await start(services);
}

/** Works beside a running app, which finds that user's sessions ended at their next request. */
async function resetPasswordOf(config: Config, args: readonly string[]): Promise<void> {
  const { resetPassword } = await import('./auth/change-password.ts');
  const email = args.find((arg) => !arg.startsWith('-'));
  const services = await openForCommand(config);
  try {
    if (email === undefined) throw await missingEmail(services);
    const { password, hasSecondFactor, linksTakenOff } = await resetPassword(services, email, {
      isFactorTakenOff: args.includes(TAKE_OFF),
    });
    await print(`The new password of ${email} is ${password}`);
    for (const { issuer, email: person } of linksTakenOff) {
      await print(
        `The link to ${person ?? 'a person'} of ${issuer} is taken off: link it anew under Account.`,
      );
    }
    if (hasSecondFactor)
      await print(`The second factor is still asked for. With ${TAKE_OFF} it is taken off.`);
  } finally {
    await services.close();
  }
}

/** Who runs it may read the data, and so the emails of the admins. */
async function missingEmail({ db }: Pick<RunningServices, 'db'>): Promise<AppError> {
  const { adminEmails } = await import('./auth/users.ts');
  const emails = await adminEmails(db, MOST_ADMINS);
  const known = emails.length === 0 ? 'There is no admin yet.' : `Admins: ${emails.join(', ')}`;
  return new AppError(
    'invalid',
    `Whose password? Usage: npm run reset-password -- EMAIL [${TAKE_OFF}], in the container: docker compose exec bridgeport reset-password EMAIL [${TAKE_OFF}]\n${known}`,
  );
}

/** For what a command has to say: throws where nobody can read it. */
async function print(text: string): Promise<void> {
  const error = await new Promise<Error | null | undefined>((done) =>
    process.stdout.write(`${text}\n`, done),
  );
  if (!error) return;
  throw new AppError(
    'unavailable',
    `The command did its work, but its answer could not be written: ${error.message}. Run it again.`,
    { cause: error },
  );
}

function describeRotation(rotation: Rotation): string {
  if (rotation.kind === 'restart') {
    return `A new master key is in ${rotation.file}; the old one is kept beside it. Restart the app, then run this command again: it seals every secret with the new key.`;
  }
  const { resealed, already, madeKey } = rotation;
  const lines = [`Secrets sealed with the present master key: ${resealed} now, ${already} before.`];
  if (madeKey !== null) lines.push(`The new key is in ${madeKey}: keep a copy of it elsewhere.`);
  if (resealed > 0) lines.push('Copies of the database from before still need the old key.');
  return lines.join('\n');
}

async function start(services: RunningServices): Promise<void> {
  const { config, log } = services;
  if (services.masterKeyGenerated) {
    log.warn(
      'A master key was made. Keep a copy of it elsewhere: without it, no stored secret can be read again',
      {
        file: services.masterKeyFile,
      },
    );
  }
  await services.exclusively(() => prepareFirstAdmin(services));
  const app = await createApp(services);
  let beginning: NodeJS.Timeout | undefined;
  const server = serveApp(app, config, (address) => {
    log.info('listening', { host: config.host, port: address.port });
    // Repairs and claims begin only when the app answers: who waited for it to come up has their turn first.
    beginning = setTimeout(() => services.worker.start(), FIRST_ANSWERS_MS);
  });
  server.on('error', (error) => {
    process.stderr.write(`Can't listen on ${config.host}:${config.port}: ${error.message}\n`);
    process.exit(1);
  });
  const stop = once(async (reason: string) => {
    log.info('stopping', { reason });
    clearTimeout(beginning);
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    server.close();
    if ('closeIdleConnections' in server) server.closeIdleConnections();
    await services.worker.stop(SETTLE_WITHIN_MS);
    await services.close();
    log.info('stopped');
    process.exit(0);
  });
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  survive(log);
}

function once(action: (reason: string) => Promise<void>): (reason: string) => void {
  let called = false;
  return (reason) => {
    if (called) return;
    called = true;
    action(reason).catch(giveUp);
  };
}

/** A bug in one corner must not end the backups of the others; it is logged with its stack. */
function survive(log: Log): void {
  process.on('uncaughtException', (error) => log.error('uncaught exception', { error }));
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { error }));
}
