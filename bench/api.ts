export type Json = Readonly<Record<string, unknown>>;

/** The app's public API, signed in. */
export interface Api {
  ask(method: string, path: string, body?: Json): Promise<Json>;
  /** The id of what was created: `create('server', …)` posts and reads `answer.server.id`. */
  create(name: string, path: string, body: Json): Promise<string>;
  /** Starts a backup and gives its row once it is completed; throws with its error otherwise. */
  backUp(databaseId: string, withinMs: number): Promise<Json>;
}

/** The pipeline’s end is seen at once, and the app’s within this time; each look costs the app a millisecond or two. */
const POLL_MS = 100;

export async function signIn(url: string, login: { email: string; password: string }): Promise<Api> {
  let token = '';
  const ask: Api['ask'] = async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Json;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  token = String((await ask('POST', '/api/auth/login', login))['token']);
  return {
    ask,
    async create(name, path, body) {
      const made = (await ask('POST', path, body))[name] as Json;
      return String(made['id']);
    },
    async backUp(databaseId, withinMs) {
      const deadline = Date.now() + withinMs;
      const { backupId } = await ask('POST', `/api/databases/${databaseId}/backups`, {});
      for (;;) {
        const backup = (await ask('GET', `/api/backups/${backupId}`))['backup'] as Json;
        if (backup['status'] === 'completed') return backup;
        if (backup['status'] === 'failed') throw new Error(`the backup failed: ${backup['error']}`);
        if (Date.now() > deadline) throw new Error('the backup took too long');
        await new Promise((done) => setTimeout(done, POLL_MS));
      }
    },
  };
}
