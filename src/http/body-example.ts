import type { JsonSchema } from './json-schema.ts';

/** Of a body that needs nothing, so many fields are shown. */
const SHOWN = 3;

/**
 * A body to begin with: what the declaration names, else one made from the schema, with what is required or, where nothing is, some
 * of what may be sent. `test/http/ui/reference.test.ts` proves that each is taken.
 */
export function bodyExample(schema: JsonSchema, declared: unknown): unknown {
  return declared ?? exampleOf('', schema);
}

function exampleOf(name: string, schema: JsonSchema): unknown {
  const choice = (schema.anyOf ?? schema.oneOf ?? schema.allOf)?.[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum.find((value) => value === 'viewer') ?? schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  if (choice !== undefined) return exampleOf(name, choice);
  switch (schema.type) {
    case 'object':
      return exampleObject(schema);
    case 'array':
      return exampleList(name, schema);
    case 'string':
      return exampleText(name, schema);
    case 'integer':
    case 'number':
      return exampleNumber(name, schema);
    case 'boolean':
      return TRUE.includes(name);
    default:
      return {};
  }
}

function exampleObject({ properties = {}, required = [] }: JsonSchema): object {
  const plain = Object.keys(properties).filter((name) => properties[name]?.type !== undefined);
  const names = required.length > 0 ? required : plain.slice(0, SHOWN);
  return Object.fromEntries(
    names.flatMap((name) => {
      const property = properties[name];
      return property === undefined ? [] : [[name, exampleOf(name, property)]];
    }),
  );
}

function exampleList(name: string, { items, minItems = 0 }: JsonSchema): readonly unknown[] {
  return items === undefined || (minItems === 0 && items.type === 'object') ? [] : [exampleOf(name, items)];
}

function exampleNumber(name: string, { minimum, maximum = Number.MAX_SAFE_INTEGER }: JsonSchema): number {
  const usual = NUMBERS[name] ?? 1;
  return minimum !== undefined && minimum > usual ? minimum : Math.min(usual, maximum);
}

function exampleText(name: string, { format, minLength = 0 }: JsonSchema): string {
  const text = TEXTS[name] ?? (format === undefined ? undefined : FORMATS[format]) ?? '…';
  return text.padEnd(minLength, '…');
}

/** Whatever else may be true is false in an example: nobody confirms or disables by leaving it as it is. */
const TRUE: readonly string[] = ['enabled', 'pinned'];

const NUMBERS: Readonly<Record<string, number>> = { port: 5432, expiresInDays: 90 };

const FORMATS: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  uri: 'https://hooks.example.com/backups',
  'date-time': '2026-12-01T02:00:00.000Z',
};

/** By the name of a field, in all routes alike. */
const TEXTS: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  name: 'shop',
  hostname: 'db1.example.com',
  host: 'db1.example.com',
  databaseName: 'shop',
  username: 'backup',
  cronExpression: '0 2 * * *',
  url: 'https://hooks.example.com/backups',
  region: 'fra1',
  type: 'postgres',
  publicIp: '203.0.113.7',
  newName: 'shop_restored',
  serverId: 'SERVER_ID',
};
