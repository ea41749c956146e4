export interface AttackOptions {
  readonly kills: number;
  readonly requests: number;
  readonly files: number;
  readonly seed: number;
}

/** What the command line says: `--kills N --requests N --files N --seed N`; 0 leaves a part out. Throws for anything else. */
export function readOptions(argv: readonly string[]): AttackOptions {
  const values = { kills: 200, requests: 100_000, files: 1_000, seed: Date.now() % 1_000_000 };
  for (let at = 0; at < argv.length; at += 2) {
    const name = argv[at]?.replace(/^--/, '') ?? '';
    const value = Number(argv[at + 1]);
    if (!isOption(values, name) || !Number.isInteger(value) || value < 0) {
      throw new Error('usage: npm run attack -- [--kills N] [--requests N] [--files N] [--seed N]');
    }
    values[name] = value;
  }
  return values;
}

function isOption<T extends object>(values: T, name: string): name is keyof T & string {
  return Object.hasOwn(values, name);
}
