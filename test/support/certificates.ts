import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TestCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** An authority, made by openssl in the folder; gives the certificate as PEM and signs others. */
export async function makeAuthority(folder: string, name: string) {
  const [key, file] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const subject = `/CN=${name}`;
  const args = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run('openssl', ['req', ...args, '-subj', subject, '-keyout', key, '-out', file]);
  return {
    file,
    pem: await readFile(file, 'utf8'),
    /** A server's certificate for that host name; `days` may lie in the past. */
    async sign(host: string, days = 2): Promise<TestCertificate> {
      const at = join(folder, `${name}-${host}-${days}`);
      const request = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      await run('openssl', [
        ...['req', ...request, '-subj', `/CN=${host}`],
        ...['-keyout', `${at}.key`, '-out', `${at}.csr`],
      ]);
      await writeFile(`${at}.ext`, `subjectAltName=DNS:${host}\n`);
      await run('openssl', [
        ...['x509', '-req', '-in', `${at}.csr`, '-CA', file, '-CAkey', key, '-CAcreateserial'],
        ...['-days', String(days), '-extfile', `${at}.ext`, '-out', `${at}.crt`],
      ]);
      return { key: await readFile(`${at}.key`, 'utf8'), certificate: await readFile(`${at}.crt`, 'utf8') };
    },
  };
}
