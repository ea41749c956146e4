import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

/** What the provider says of a person, by the name that they sign in with there. */
export type People = Map<string, Readonly<Record<string, unknown>>>;

export interface TestProvider {
  readonly issuer: string;
  readonly people: People;
  /** Does something else than the provider would; true where it has. */
  onRequest: ((request: IncomingMessage, response: ServerResponse) => boolean) | null;
  /** What was asked, such as `POST /token`. */
  readonly asked: string[];
  /** A browser of its own that signs in there as that person: gives the address that it is sent back to. */
  signIn(authorizationUrl: string, login: string, options?: { readonly isDenied?: boolean }): Promise<URL>;
  close(): Promise<void>;
}

export const CLIENT = { clientId: 'bridgeport', clientSecret: 's3cret of <b>"the client"+/%&=' } as const;

/** A certified provider of OpenID Connect (oidc-provider) on this machine, in memory. */
export async function startOidcProvider(
  redirectUris: readonly string[],
  {
    way = 'client_secret_post',
  }: {
    /** How the client is registered to show its secret. */
    readonly way?: 'client_secret_basic' | 'client_secret_post';
  } = {},
): Promise<TestProvider> {
  const people: People = new Map();
  const asked: string[] = [];
  let answer = (_request: IncomingMessage, response: ServerResponse): void => void response.end();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url?.split('?')[0]}`);
    if (!running.onRequest?.(request, response)) answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [...redirectUris],
        token_endpoint_auth_method: way,
      },
    ],
    // Claims stand in the ID token, but for those of `groups`, which are to be asked for.
    conformIdTokenClaims: false,
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'groups', 'realm_access'],
    },
    cookies: { keys: ['of the test'] },
    pkce: { required: () => true },
    ttl: {
      Interaction: 600,
      Session: 600,
      Grant: 600,
      AccessToken: 600,
      IdToken: 600,
      AuthorizationCode: 60,
    },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ ...people.get(sub), sub }),
    }),
    features: { devInteractions: { enabled: true } },
  });
  answer = provider.callback();
  const running: TestProvider = {
    issuer,
    people,
    onRequest: null,
    asked,
    signIn: (url, login, { isDenied = false } = {}) => signIn(url, login, isDenied),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return running;
}

async function signIn(authorizationUrl: string, login: string, isDenied: boolean): Promise<URL> {
  const { origin } = new URL(authorizationUrl);
  const cookies = new Map<string, string>();
  let next: { url: URL; form?: URLSearchParams } = { url: new URL(authorizationUrl) };
  for (let step = 0; step < 12; step += 1) {
    const { url, form } = next;
    const response = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      ...(form === undefined ? {} : { body: form }),
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      redirect: 'manual',
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    const html = await response.text();
    if (location !== null) {
      const to = new URL(location, url);
      if (to.origin !== origin) return to;
      next = { url: to };
      continue;
    }
    const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1];
    if (response.status !== 200 || prompt === undefined) {
      throw new Error(`${response.status}: ${html.slice(html.indexOf('<body>'))}`);
    }
    const abort = new URL(/href="([^"]+\/abort)"/.exec(html)?.[1] ?? '', url);
    next = isDenied
      ? { url: abort }
      : {
          url,
          form: new URLSearchParams(prompt === 'login' ? { prompt, login, password: 'x' } : { prompt }),
        };
  }
  throw new Error('the provider leads in a circle');
}
