import type { Hono } from 'hono';
import type * as z from 'zod';
import type { Envelope } from '../failure.ts';
import type { Method, ParamNames } from '../route.ts';
import type { apiGroups } from './routes.ts';

/**
 * The API as a type, for `hc<Api>('https://…')` of `hono/client`: paths, parameters, bodies, and answers by their status.
 * It is made from the declarations themselves, by types alone; `docs/client.md` says how to use it.
 */
export type Api = Hono<Record<never, never>, Endpoints, '/'>;

type Declared = NonNullable<ReturnType<typeof apiGroups>[number]['routes'][number]['declared']>;

/** Looked up by name, not sought in the union: a union is compared with each of its members. */
type ByName = { [One in Declared as `${One['method']} ${One['path']}`]: Answers<One> };

type Endpoints = {
  [Path in Declared['path']]: {
    [Called in Method as `${Called} ${Path}` extends keyof ByName
      ? `$${Lowercase<Called>}`
      : never]: ByName[`${Called} ${Path}` & keyof ByName];
  };
};

/** A route's input is the same whatever it answers. */
type Answers<One extends Declared, In = Input<One>> =
  | Endpoint<In, z.output<One['answer']>, One['success']>
  | Endpoint<In, Envelope, One['refusals'] | Anywhere>
  | Others<In, One['otherAnswers']>;

/** Questions and what goes on: each by its status. */
type Others<In, Declared> = {
  [Status in keyof Declared & number]: Endpoint<In, z.output<Declared[Status]>, Status>;
}[keyof Declared & number];

/** What any route may answer. */
type Anywhere = 400 | 401 | 403 | 429 | 500 | 503;

/** No interface: those have no index signature, which `hc` looks for. */
type Endpoint<In, Out, Status extends number> = {
  input: In;
  output: Out;
  outputFormat: 'json';
  status: Status;
};

type Input<One extends Declared> = Named<
  'param',
  [ParamNames<One['path']>] extends [never] ? unknown : Record<ParamNames<One['path']>, string>
> &
  Named<'query', z.input<One['query']>> &
  Named<'json', z.input<One['body']>>;

/** Nothing, of a route without: what was not declared is `unknown`. Where all of it may be left out, so may the whole. */
type Named<Name extends string, Value> = unknown extends Value
  ? unknown
  : Record<never, never> extends Value
    ? { [Key in Name]?: Value }
    : { [Key in Name]: Value };
