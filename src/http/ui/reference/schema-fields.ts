import type { FieldView } from '../../../../views/reference/reference.ts';
import type { JsonSchema } from '../../json-schema.ts';

/** How deep shapes are told. */
const DEEPEST = 5;

/** A JSON schema as a field that a table can tell, with what it holds below it. */
export function fieldOf(name: string, schema: JsonSchema, { isRequired = true, depth = 0 } = {}): FieldView {
  const choices = choicesOf(schema);
  if (choices.length === 1 && choices[0] !== undefined) {
    const field = fieldOf(name, choices[0], { isRequired, depth });
    return { ...field, notes: [...field.notes, ...notesOf({ ...schema, type: undefined })] };
  }
  const inner = innermost(schema);
  return {
    name,
    type: typeOf(schema),
    isRequired,
    notes: notesOf(schema),
    fields: depth >= DEEPEST ? [] : [...variantsOf(inner, depth), ...propertiesOf(inner, depth)],
  };
}

/** The fields of an object. */
export function propertiesOf(schema: JsonSchema, depth = 0): readonly FieldView[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, property]) =>
    fieldOf(name, property, { isRequired: required.has(name), depth: depth + 1 }),
  );
}

/** Of a list or a map, what it is made of. */
function innermost(schema: JsonSchema): JsonSchema {
  if (schema.type === 'array' && schema.items !== undefined) return innermost(schema.items);
  const values = schema.additionalProperties;
  if (schema.properties === undefined && typeof values === 'object') return innermost(values);
  const [only, ...others] = choicesOf(schema);
  return only !== undefined && others.length === 0 ? innermost(only) : schema;
}

function variantsOf(schema: JsonSchema, depth: number): readonly FieldView[] {
  const choices = choicesOf(schema).filter((choice) => hasShape(choice));
  return choices.map((choice, index) => fieldOf(index === 0 ? 'either' : 'or', choice, { depth: depth + 1 }));
}

function hasShape(schema: JsonSchema): boolean {
  const inner = innermost(schema);
  return inner.properties !== undefined || choicesOf(inner).length > 0;
}

/** Alternatives; null among them is told as such. */
function choicesOf({ anyOf, oneOf, allOf }: JsonSchema): readonly JsonSchema[] {
  return (anyOf ?? oneOf ?? allOf ?? []).filter((choice) => !isNull(choice));
}

const isNull = ({ type, enum: values }: JsonSchema) =>
  type === 'null' || (values?.length === 1 && values[0] === null);

function typeOf(schema: JsonSchema): string {
  const { type, format, items } = schema;
  const values = schema.enum?.filter((value) => value !== null);
  if (values !== undefined)
    return values.length === 1 ? always(values[0]) : `one of ${values.map(said).join(', ')}`;
  if (schema.const !== undefined) return always(schema.const);
  const choices = choicesOf(schema);
  if (choices.length > 0) {
    return choices.some(hasShape)
      ? `one of ${choices.length} shapes`
      : [...new Set(choices.map(typeOf))].join(', or ');
  }
  if (type === 'array') return items === undefined ? 'list' : `list of ${many(typeOf(items))}`;
  if (type === 'object') {
    const values = schema.additionalProperties;
    if (schema.properties !== undefined) return 'object';
    return typeof values === 'object' && Object.keys(values).length > 0
      ? `${many(typeOf(values))} by name`
      : 'object';
  }
  if (type === 'string') return (format !== undefined && FORMATS[format]) || 'text';
  return (type !== undefined && WORDS[type]) || 'anything';
}

const always = (value: unknown) => (value === '' ? 'empty' : `always ${said(value)}`);
const said = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

const WORDS: Readonly<Record<string, string>> = {
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': 'instant, in ISO 8601',
  email: 'e-mail address',
  uri: 'URL',
  uuid: 'UUID',
};

const PLURALS: Readonly<Record<string, string>> = {
  text: 'texts',
  object: 'objects',
  number: 'numbers',
  'whole number': 'whole numbers',
};

const many = (type: string) => PLURALS[type] ?? type;

function notesOf(schema: JsonSchema): readonly string[] {
  const { minLength, maxLength, minItems, maxItems } = schema;
  const isNullable =
    schema.nullable === true || [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].some(isNull);
  return [
    ...(schema.description === undefined ? [] : [schema.description]),
    ...(isNullable ? ['may be null'] : []),
    ...range(schema),
    ...bounds(minLength, maxLength, 'characters'),
    ...bounds(minItems, maxItems, 'items'),
    ...(schema.default === undefined ? [] : [`unless sent: ${JSON.stringify(schema.default)}`]),
  ];
}

/** A whole number that has no bound of its own is bounded by what a number can hold: nothing to tell. */
function range({ minimum, maximum }: JsonSchema): readonly string[] {
  const isTold = (bound: number | undefined) =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  return bounds(isTold(minimum) ? minimum : undefined, isTold(maximum) ? maximum : undefined, '');
}

function bounds(least: number | undefined, most: number | undefined, of: string): readonly string[] {
  const unit = of === '' ? '' : ` ${of}`;
  if (least !== undefined && most !== undefined) return [`${least} to ${most}${unit}`];
  if (least !== undefined) return least === 0 && of !== '' ? [] : [`at least ${least}${unit}`];
  return most === undefined ? [] : [`at most ${most}${unit}`];
}
