import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the private database servers of the tests have in common. */

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The system's user of that name, for servers that refuse to run as root; undefined where this process isn't root. */
export async function ownerNamed(name: string): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = (line ?? '').split(':').map(Number);
  if (uid === undefined || gid === undefined) throw new Error(`the system has no user ${name}`);
  return { uid, gid };
}

/** Makes server.key and server.crt for localhost in the folder. */
export async function makeCertificate(folder: string, owner: Owner | undefined) {
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const args = `-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout ${key} -out ${certificate}`;
  const made = spawn('openssl', ['req', ...args.split(' ')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(made, 'close');
  if (code !== 0) throw new Error('openssl made no certificate');
  await chmod(key, 0o600);
  if (owner) for (const file of [key, certificate]) await chown(file, owner.uid, owner.gid);
  return { key, certificate };
}
