import { createServer } from 'node:net';
import type { TestPostgres } from '../test/support/postgres.ts';
import type { Sshd } from '../test/support/sshd.ts';
import type { Api, Json } from './api.ts';
import { type App, startApp } from './app.ts';
import type { Storage } from './storage.ts';

/** The app with the storage enabled and a server that is reached over SSH. */
export interface Site {
  readonly app: App;
  readonly api: Api;
  /** Adds a database of that PostgreSQL server; at most two are backed up at once for each server of ours. */
  addDatabase(name: string, settings: Json): Promise<string>;
}

const SERVERS = 2;

export async function startSite(storage: Storage, sshd: Sshd, postgres: TestPostgres): Promise<Site> {
  const app = await startApp({ storage, port: await freePort() });
  const api = await app.signIn();
  const environment = await api.create('environment', '/api/environments', { name: 'production' });
  await api.ask('PUT', `/api/environments/${environment}/ssh`, {
    sshPrivateKey: sshd.privateKey,
    sshUser: sshd.user,
  });
  await api.ask('PUT', '/api/settings/spaces', {
    accessKey: storage.accessKey,
    secretKey: storage.secretKey,
    region: storage.region,
    endpoint: new URL(storage.endpoint).host,
    buckets: [],
  });
  await api.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
  const servers: string[] = [];
  for (let number = 1; number <= SERVERS; number += 1) {
    const body = { name: `host-${number}`, hostname: sshd.host, sshPort: sshd.port };
    servers.push(await api.create('server', `/api/environments/${environment}/servers`, body));
  }
  let added = 0;
  return {
    app,
    api,
    addDatabase(name, settings) {
      added += 1;
      return api.create('database', `/api/environments/${environment}/databases`, {
        name: `${name}-${added}`,
        type: 'postgres',
        serverId: servers[added % SERVERS],
        host: '127.0.0.1',
        port: postgres.port,
        databaseName: name,
        username: postgres.superuser.username,
        password: postgres.superuser.password,
        backupStorageType: 'spaces',
        backupSpacesBucket: storage.bucket,
        ...settings,
      });
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
