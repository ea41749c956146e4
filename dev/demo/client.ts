import * as z from 'zod';

type Json = Readonly<Record<string, unknown>>;

/** A table as it was restored, and its rows in the dump where they were counted. */
export interface Restored {
  readonly name: string;
  readonly rows: number;
  readonly expected: number | null;
}

/** The public API, as any client calls it. */
export interface Api {
  use(token: string): void;
  get(path: string): Promise<Json>;
  post(path: string, body: Json): Promise<Json>;
  put(path: string, body: Json): Promise<Json>;
  patch(path: string, body: Json): Promise<Json>;
  /** The id of the created thing in an answer such as `{server: {id}}`. */
  id(answer: Json, name: string): string;
  /** Waits until the backup has ended; throws with its error unless it completed. */
  untilEnded(backupId: string): Promise<Json>;
  /** Waits until the restore has ended; throws with its error unless it completed. Gives its tables, with their rows. */
  untilRestored(runId: string): Promise<readonly Restored[]>;
}

const POLL_MS = 200;

/** Every method throws an Error with the API's message for an answer that is no success. */
export function openApi(url: string): Api {
  let token: string | undefined;
  const call = async (method: string, path: string, body?: Json): Promise<Json> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!isJson(answer)) throw new Error(`${method} ${path} did not answer an object`);
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer['message']}`);
    return answer;
  };
  const api: Api = {
    use(next) {
      token = next;
    },
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    patch: (path, body) => call('PATCH', path, body),
    id(answer, name) {
      const made = answer[name];
      if (!isJson(made) || typeof made['id'] !== 'string')
        throw new Error(`the answer has no ${name} with an id`);
      return made['id'];
    },
    async untilEnded(backupId) {
      for (;;) {
        const { backup } = await api.get(`/api/backups/${backupId}`);
        if (!isJson(backup)) throw new Error('the answer has no backup');
        if (backup['status'] === 'completed') return backup;
        if (backup['status'] === 'failed') throw new Error(`the backup failed: ${backup['error']}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async untilRestored(runId) {
      for (;;) {
        const { run } = runSchema.parse(await api.get(`/api/runs/${runId}`));
        if (run.state === 'completed') return run.restore?.tables ?? [];
        if (run.state !== 'pending' && run.state !== 'running') {
          throw new Error(`the restore is ${run.state}: ${run.error?.message ?? 'nobody knows why'}`);
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
  return api;
}

const runSchema = z.object({
  run: z.object({
    state: z.string(),
    error: z.object({ message: z.string() }).nullable(),
    restore: z
      .object({
        tables: z
          .array(z.object({ name: z.string(), rows: z.number(), expected: z.number().nullable() }))
          .nullable(),
      })
      .nullable(),
  }),
});

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}
