import type * as z from 'zod';
import { type Paths, type Variable, variablesWith } from './config-variables.ts';
import { AppError } from './errors.ts';

type Variables = ReturnType<typeof variablesWith>;
type Values = { readonly [Field in keyof Variables]: z.output<Variables[Field]['schema']> };

/** Everything that the environment decides, parsed once at the start. */
export type Config = Omit<Values, 'rateLimitUserMax' | 'rateLimitPageMax'> & {
  readonly rateLimitUserMax: number;
  readonly rateLimitPageMax: number;
};

/** The text that a variable is set to, in its file too; undefined for one that is not. Throws `config`. */
export type ReadVariable = (name: string) => string | undefined;

/** Throws `config`, naming the variable and what it should be (never its value). */
export function parseConfig(read: ReadVariable, paths: Paths): Config {
  const variables: Readonly<Record<string, Variable<unknown>>> = variablesWith(paths);
  // Each field is what its own schema gave.
  const values = Object.fromEntries(
    Object.entries(variables).map(([field, variable]) => [field, parseVariable(read, variable)]),
  ) as Values;
  if ((values.adminEmail === null) !== (values.adminPassword === null)) {
    throw new AppError('config', 'ADMIN_EMAIL and ADMIN_PASSWORD belong together: set both or none.');
  }
  if (values.databaseUrl !== null && values.masterKey === null) {
    throw new AppError(
      'config',
      'MASTER_KEY is required with DATABASE_URL: every replica needs the same key, and none keeps it in a file of its own. ' +
        'Make one with `openssl rand -base64 32`, or take the one in master.key where this data was sealed with it.',
      { details: { variable: 'MASTER_KEY' } },
    );
  }
  const { rateLimitMax } = values;
  return Object.freeze({
    ...values,
    // Whoever has raised the one limit meant signed-in clients too, which it used to count.
    rateLimitUserMax: values.rateLimitUserMax ?? Math.max(1000, rateLimitMax),
    rateLimitPageMax: values.rateLimitPageMax ?? Math.max(600, rateLimitMax),
  });
}

function parseVariable(read: ReadVariable, { name, expects, schema, alias }: Variable<unknown>): unknown {
  const parsed = schema.safeParse(read(name) ?? (alias === undefined ? undefined : read(alias)));
  if (parsed.success) return parsed.data;
  throw new AppError('config', `${name} must be ${expects}.`, { details: { variable: name } });
}

/** For what is asked of the variables themselves. */
const NO_PATHS: Paths = { resolve: (path) => path, isAbsolute: () => true, isFolder: () => true };

/** The configuration by variable name, for printing at the start: secrets are only said to be set or not. */
export function describeConfig(config: Config): Readonly<Record<string, unknown>> {
  const variables: Readonly<Record<string, Variable<unknown>>> = variablesWith(NO_PATHS);
  return Object.fromEntries(
    Object.entries(variables).map(([field, variable]) => {
      const value: unknown = Reflect.get(config, field);
      return [variable.name, variable.isSecret ? (value === null ? 'not set' : 'set') : value];
    }),
  );
}
