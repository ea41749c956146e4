import type { Context } from 'hono';
import type * as z from 'zod';
import type { Role } from '../auth/roles.ts';
import type { Session } from '../auth/sessions.ts';
import type { UserActor } from '../auth/users.ts';
import type { ActingToken } from '../tokens/acting-token.ts';

/** Who may call a route: nobody need sign in, that role at least, or the user named by `:id` and admins. */
export type Access = 'public' | Role | 'self-or-admin';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Whose request it is: of a session, or of a token, whose id is then that of the token. */
export interface ApiSession extends Pick<Session, 'id' | 'user' | 'lacksFactor'> {
  /** Null: somebody who signed in. */
  readonly token: ActingToken | null;
}

export interface ApiEnv {
  Variables: {
    requestId: string;
    session: ApiSession;
    /** Of a route with a body: nothing was sent, which reads as `{}`. */
    isBodyEmpty?: boolean;
  };
}

export type ParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** What a handler gets: everything checked. */
export interface RouteRequest<Path extends string, Query, Body> {
  readonly c: Context<ApiEnv>;
  readonly params: Readonly<Record<ParamNames<Path>, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly address: string | null;
  /** Ends with the request's connection or after a minute. */
  readonly signal: AbortSignal;
}

export interface SignedInRequest<Path extends string, Query, Body> extends RouteRequest<Path, Query, Body> {
  readonly session: ApiSession;
  readonly actor: UserActor;
}

/**
 * A route, declared once beside its handler: the declaration feeds the role check, the validation and /openapi.json.
 * A handler gives the answer's JSON, or a whole Response: what is no JSON, or another status (`answerBy`).
 */
interface Declaration<
  Called extends Method,
  Path extends string,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answered extends z.ZodType,
  Refused extends Refusal,
  Succeeds extends Success,
  Others extends OtherAnswers,
> {
  readonly method: Called;
  /** With `:name` for its parameters. */
  readonly path: Path;
  readonly summary: string;
  readonly query?: Query;
  readonly body?: Body;
  /** Fields that answer 422 before anything is validated. */
  readonly readonlyFields?: readonly string[];
  /** Fields of the body that hold a secret, though their names do not say so. */
  readonly secretFields?: readonly string[];
  /** A body that is taken, where one made from the schema would not be: what a rule of its own refuses. */
  readonly example?: NoInfer<z.input<Body>>;
  /** The JSON of a success. */
  readonly answer: Answered;
  /** The status of a success, other than 200. */
  readonly success?: Succeeds;
  /** A token that may only back up may call it too. */
  readonly isForBackups?: boolean;
  /** Whoever still has to set up the second factor that the installation requires may call it too. */
  readonly isForSettingUp?: boolean;
  /** Changes nothing, whatever its method: done twice, it does no harm, and no Idempotency-Key counts. */
  readonly isReading?: boolean;
  /** What it answers by other statuses, where that is no envelope of a failure: of a question (409), of what goes on (202). */
  readonly otherAnswers?: Others;
  /** Other statuses than 400, 401, 403 and 429, which any route may answer. */
  readonly refusals?: readonly Refused[];
}

/**
 * What the declared schema says, as a handler writes it: a type alone, nothing is parsed on the way out. What a handler
 * gives (`Given`) is inferred as const, so that the literals in it stay literals.
 */
type Answer<Answered extends z.ZodType> = Written<z.input<Answered>> | Response;

/**
 * An answer by another status, of the shape that is named: `answerBy<typeof question>(c, 409, …)`. That of a success is what a
 * handler gives.
 */
export function answerBy<Shape extends z.ZodType = never>(
  c: Context<ApiEnv>,
  status: 202 | 400 | 409,
  answer: NoInfer<Written<z.input<Shape>>>,
): Response {
  return c.json(answer, status);
}

/** The same shape with nothing that could be changed: what a use case gives may be sent as it is. */
type Written<Shape> = Shape extends readonly (infer Item)[]
  ? readonly Written<Item>[]
  : Shape extends object
    ? { readonly [Key in keyof Shape]: Written<Shape[Key]> }
    : Shape;

/** 201 where the contract has it so. */
export type Success = 200 | 201;

/** Of a 409 an envelope is answered as well, by what any request may meet. */
export type OtherAnswers = Readonly<Partial<Record<202 | 409, z.ZodType>>>;

/** Statuses that only some routes answer. */
export type Refusal = 404 | 409 | 422;

/** A declared route, its types forgotten: what `mountRoutes` and the OpenAPI document read. */
export interface ApiRoute {
  readonly method: Method;
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  readonly readonlyFields: readonly string[];
  readonly secretFields: readonly string[];
  readonly example: unknown;
  readonly answer: z.ZodType;
  readonly success: Success;
  readonly refusals: readonly Refusal[];
  readonly otherAnswers: OtherAnswers;
  readonly isForBackups: boolean;
  readonly isForSettingUp: boolean;
  readonly isReading: boolean;
  readonly handle: (request: SignedInRequest<string, unknown, unknown>) => Promise<object | Response>;
}

/** A declared route with what its declaration says as types: what a typed client is made from (`api/client-type.ts`). */
export interface TypedRoute<
  Called extends Method,
  Path extends string,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answered extends z.ZodType,
  Refused extends Refusal,
  Succeeds extends Success,
  Others extends OtherAnswers,
> extends ApiRoute {
  /**
   * Never there, a type alone. The fields above keep their wide types: to compare each declaration's own schemas with those, as
   * narrower ones would have to be, takes the compiler longer than the rest of the API does.
   */
  readonly declared?: {
    readonly method: Called;
    readonly path: Path;
    readonly query: Query;
    readonly body: Body;
    readonly answer: Answered;
    readonly success: Succeeds;
    readonly refusals: Refused;
    readonly otherAnswers: Others;
  };
}

/** What may be done twice by being sent twice; DELETE does no more the second time. */
const CHANGES: readonly Method[] = ['POST', 'PUT', 'PATCH'];

/** Whether an Idempotency-Key counts. Of a public route nobody is known whose key it could be. */
export function isKeyed({ access, method, isReading }: ApiRoute): boolean {
  return access !== 'public' && !isReading && CHANGES.includes(method);
}

export function route<
  const Called extends Method,
  const Path extends string,
  Answered extends z.ZodType,
  const Given extends Answer<Answered>,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  const Refused extends Refusal = never,
  const Succeeds extends Success = 200,
  const Others extends OtherAnswers = Record<never, never>,
>(
  declaration: Declaration<Called, Path, Query, Body, Answered, Refused, Succeeds, Others> & {
    readonly access: Exclude<Access, 'public'>;
    readonly handle: (request: SignedInRequest<Path, z.infer<Query>, z.infer<Body>>) => Promise<Given>;
  },
): TypedRoute<Called, Path, Query, Body, Answered, Refused, Succeeds, Others> {
  return forget(declaration, declaration.access, declaration.handle);
}

export function publicRoute<
  const Called extends Method,
  const Path extends string,
  Answered extends z.ZodType,
  const Given extends Answer<Answered>,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  const Refused extends Refusal = never,
  const Succeeds extends Success = 200,
  const Others extends OtherAnswers = Record<never, never>,
>(
  declaration: Declaration<Called, Path, Query, Body, Answered, Refused, Succeeds, Others> & {
    readonly handle: (request: RouteRequest<Path, z.infer<Query>, z.infer<Body>>) => Promise<Given>;
  },
): TypedRoute<Called, Path, Query, Body, Answered, Refused, Succeeds, Others> {
  return forget(declaration, 'public', declaration.handle);
}

function forget<
  Called extends Method,
  Path extends string,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Answered extends z.ZodType,
  Refused extends Refusal,
  Succeeds extends Success,
  Others extends OtherAnswers,
>(
  declaration: Declaration<Called, Path, Query, Body, Answered, Refused, Succeeds, Others>,
  access: Access,
  handle: (request: SignedInRequest<Path, z.infer<Query>, z.infer<Body>>) => Promise<unknown>,
): TypedRoute<Called, Path, Query, Body, Answered, Refused, Succeeds, Others> {
  const { method, path, summary, answer } = declaration;
  return {
    method,
    path,
    access,
    summary,
    answer,
    query: declaration.query ?? null,
    body: declaration.body ?? null,
    example: declaration.example ?? null,
    success: declaration.success ?? 200,
    readonlyFields: declaration.readonlyFields ?? [],
    secretFields: declaration.secretFields ?? [],
    refusals: declaration.refusals ?? [],
    otherAnswers: declaration.otherAnswers ?? {},
    isForBackups: declaration.isForBackups ?? false,
    isForSettingUp: declaration.isForSettingUp ?? false,
    isReading: declaration.isReading ?? false,
    // What is handed in was parsed by these very schemas and this very path.
    handle: handle as ApiRoute['handle'],
  };
}
