import type { Engine } from './engine.ts';
import { mysql } from './mysql/mysql.ts';
import { postgres } from './postgres/postgres.ts';
import { sqlite } from './sqlite/sqlite.ts';

/** Every engine that backs up. A new one is its folder and its name here. */
export const engines: readonly Engine[] = [widened(postgres), widened(mysql), widened(sqlite)];

/** The engine of a wire `type`; undefined for one without a backup, known or not. */
export function engineFor(type: string): Engine | undefined {
  return engines.find((engine) => engine.type === type);
}

/** The engine with its options unknown to the caller: they are parsed by the engine's own schema each time. */
function widened<Options>(engine: Engine<Options>): Engine {
  const parsed = <Target extends { readonly options: unknown }>(target: Target) => ({
    ...target,
    options: engine.options.parse(target.options),
  });
  const { restore, ...rest } = engine;
  return {
    ...rest,
    look: (target) => engine.look(parsed(target)),
    dump: (target) => engine.dump(parsed(target)),
    discover: (target) => engine.discover(parsed(target)),
    ...(restore === undefined ? {} : { restore: (target) => restore(parsed(target)) }),
  };
}
