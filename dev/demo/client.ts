type Json = Readonly<Record<string, unknown>>;

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
  };
  return api;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}
