import { AsyncLocalStorage } from 'node:async_hooks';
import type { Log, LogLevel } from '../../log.ts';
import type { RunContext, RunKind, RunKinds } from '../kind.ts';
import { createLogKeeper, type KeeperContext, type LogKeeper } from '../log-keeper.ts';

/**
 * Keeps with each run what is logged while it goes on, whoever logs it: the clients of hosts and storages know of no run.
 * `log` is the one to hand to all of them; `kinds` gives the same kinds, whose runs are kept. Nothing of it makes a run fail, and a
 * run waits for one small write at its end.
 */
export function createRunLogs(context: KeeperContext): {
  readonly log: Log;
  readonly kinds: (kinds: RunKinds) => RunKinds;
} {
  const going = new AsyncLocalStorage<LogKeeper>();
  const teed =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      context.log[level](message, fields);
      going.getStore()?.add(level, message, fields);
    };
  const kept = (kind: RunKind): RunKind => ({
    ...kind,
    async run(run, runContext) {
      const keeper = await createLogKeeper(context, run);
      keeper.begin({ attempt: run.attempts });
      try {
        await going.run(keeper, () => kind.run(run, watched(runContext, keeper)));
      } finally {
        await keeper.end();
      }
    },
    async repair(run, repairContext) {
      const keeper = await createLogKeeper(context, run);
      try {
        await going.run(keeper, () => kind.repair(run, repairContext));
      } finally {
        await keeper.end();
      }
    },
  });
  return {
    log: { debug: teed('debug'), info: teed('info'), warn: teed('warn'), error: teed('error') },
    kinds: (kinds) => Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, kept(kind)])),
  };
}

function watched(context: RunContext, keeper: LogKeeper): RunContext {
  return {
    ...context,
    follow: (note) =>
      context.follow(() => {
        const noted = note();
        keeper.at(noted.step);
        return noted;
      }),
  };
}
