import type { RouteGroup, RouteLine, RouteView } from '../../../../views/reference/reference.ts';
import { bodyExample } from '../../body-example.ts';
import { jsonSchema } from '../../json-schema.ts';
import type { Access, ApiRoute } from '../../route.ts';
import { isKeyed } from '../../route.ts';
import { environmentParam, outOfScope } from '../../token-scope.ts';
import { refusalsOf } from './error-codes.ts';
import { remarksOn } from './remarks.ts';
import { fieldOf, propertiesOf } from './schema-fields.ts';

/** Routes by what they are about, as they are declared. */
export type DeclaredGroups = readonly {
  readonly name: string;
  readonly title: string;
  readonly routes: readonly ApiRoute[];
}[];

export interface ReferenceEntry {
  readonly route: ApiRoute;
  readonly line: RouteLine;
  /** Made when it is first asked for, and kept. */
  view(): RouteView;
  /** All words of its page that are searched, in small letters. */
  words(): string;
}

/** The API to be read: lists, and each route by its id. */
export interface Reference {
  readonly groups: readonly RouteGroup[];
  readonly entries: ReadonlyMap<string, ReferenceEntry>;
}

/** Throws where two routes have one id. */
export function createReference(declared: DeclaredGroups): Reference {
  const entries = new Map<string, ReferenceEntry>();
  const groups = declared.map(({ name, title, routes }) => ({
    name,
    title,
    routes: routes.map((route) => {
      const entry = entryOf(route, { name, title });
      if (entries.has(entry.line.id)) throw new Error(`Two routes are called ${entry.line.id}.`);
      entries.set(entry.line.id, entry);
      return entry.line;
    }),
  }));
  return { groups, entries };
}

function entryOf(route: ApiRoute, group: RouteView['group']): ReferenceEntry {
  const line: RouteLine = {
    id: idOf(route),
    method: route.method,
    path: route.path,
    summary: route.summary,
    least: LEAST[route.access],
  };
  let view: RouteView | undefined;
  let words: string | undefined;
  const entry: ReferenceEntry = {
    route,
    line,
    view: () => {
      view ??= viewOf(route, line, group);
      return view;
    },
    words: () => {
      words ??= JSON.stringify(entry.view()).toLowerCase();
      return words;
    },
  };
  return entry;
}

/** Of the address of its page: `get-databases-id-backups`. */
export function idOf({ method, path }: Pick<ApiRoute, 'method' | 'path'>): string {
  return [method.toLowerCase(), ...path.split('/').slice(2)].map((part) => part.replace(':', '')).join('-');
}

function viewOf(route: ApiRoute, line: RouteLine, group: RouteView['group']): RouteView {
  const body = route.body === null ? null : jsonSchema(route.body, 'input');
  const isChanging = route.method !== 'GET' && !route.isReading;
  return {
    ...line,
    group,
    access: [
      ['Least role', LEAST[route.access]],
      ...(route.access === 'public' ? [] : ([['API tokens', tokensOf(route)]] as const)),
    ],
    parameters: [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => parameterOf(name)),
    query: route.query === null ? [] : propertiesOf(jsonSchema(route.query, 'input')),
    body: body === null ? null : fieldOf('', body),
    example: body === null ? null : JSON.stringify(bodyExample(body, route.example), null, 2),
    answer: fieldOf('', jsonSchema(route.answer, 'output')),
    otherAnswers: Object.entries(route.otherAnswers).map(([status, schema]) => ({
      status,
      shape: fieldOf('', jsonSchema(schema, 'output')),
    })),
    refusals: refusalsOf(route, isKeyed(route)),
    remarks: remarksOn(route),
    isPublic: route.access === 'public',
    isKeyed: isKeyed(route),
    isChanging,
  };
}

function parameterOf(name: string) {
  return { name, type: 'text', isRequired: true, notes: [], fields: [] };
}

const LEAST: Readonly<Record<Access, string>> = {
  public: 'nobody need sign in',
  viewer: 'viewer',
  operator: 'operator',
  admin: 'admin',
  'self-or-admin': 'oneself, or an admin',
};

/** Asked of the very check that requests pass. */
function tokensOf(route: ApiRoute): string {
  const here = environmentParam(route.path) === null ? undefined : 'one';
  const opens = (access: 'full' | 'backups' | 'metrics', environmentIds: readonly string[] | null) =>
    outOfScope(route, { access, environmentIds }, here) === null;
  const all = ['of all environments'];
  if (opens('full', ['one'])) all.push('of its environment');
  if (opens('backups', null)) all.push('for backups');
  if (opens('metrics', null)) all.push('for metrics');
  return all.join(', ');
}
