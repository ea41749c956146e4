import * as z from 'zod';
import { bodyExample } from './body-example.ts';
import { jsonSchema } from './json-schema.ts';
import { type ApiRoute, isKeyed } from './route.ts';

/** The routes as an OpenAPI 3.0.3 document, made from their own schemas. */
export function openApiDocument(
  groups: readonly { readonly title: string; readonly routes: readonly ApiRoute[] }[],
  version: string,
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { title, routes } of groups) {
    for (const route of routes) {
      const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, title) };
    }
  }
  return {
    openapi: '3.0.3',
    info: { title: 'BRIDGEPORT Storage', version },
    tags: groups.map(({ title }) => ({ name: title })),
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: jsonSchema(envelope, 'output') },
    },
  };
}

function operation(route: ApiRoute, tag: string): object {
  const refusals = ['400', '401', '403', '429', ...route.refusals.map(String)];
  return {
    tags: [tag],
    summary: route.summary,
    ...(route.access === 'public' ? { security: [] } : { security: [{ bearer: [] }] }),
    'x-access': route.access,
    parameters: [...pathParameters(route.path), ...queryParameters(route.query), ...keyParameter(route)],
    ...requestBody(route),
    responses: {
      [route.success]: { description: 'Success', content: content(jsonSchema(route.answer, 'output')) },
      ...Object.fromEntries(refusals.map((status) => [status, REFUSAL])),
      ...Object.fromEntries(Object.entries(route.otherAnswers).map(otherAnswer)),
    },
  };
}

/** Beside a question there is the envelope, which any route may answer by that status. */
function otherAnswer([status, schema]: [string, z.ZodType]): [string, object] {
  const own = jsonSchema(schema, 'output');
  return status === '409'
    ? [status, { description: 'Refused, or a question', content: content({ anyOf: [own, ERROR] }) }]
    : [status, { description: 'Goes on', content: content(own) }];
}

function requestBody({ body, example }: ApiRoute): object {
  if (body === null) return {};
  const schema = jsonSchema(body, 'input');
  return {
    requestBody: { content: { 'application/json': { schema, example: bodyExample(schema, example) } } },
  };
}

function pathParameters(path: string): readonly object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | null): readonly object[] {
  if (!(query instanceof z.ZodObject)) return [];
  return Object.entries(query.shape).map(([name, schema]) => ({
    name,
    in: 'query',
    schema: jsonSchema(schema, 'input'),
  }));
}

function keyParameter(route: ApiRoute): readonly object[] {
  if (!isKeyed(route)) return [];
  return [
    { name: 'Idempotency-Key', in: 'header', schema: { type: 'string', minLength: 1, maxLength: 200 } },
  ];
}

const content = (schema: object) => ({ 'application/json': { schema } });

const envelope = z.object({
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
  hint: z.string().optional(),
  requestId: z.string(),
  details: z.array(z.unknown()).optional(),
});

const ERROR = { $ref: '#/components/schemas/Error' };
const REFUSAL = { description: 'Refused', content: content(ERROR) };
