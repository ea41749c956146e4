import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type Certificate, createCertificate } from './certificate.ts';

/**
 * The certificate of an earlier start, so that clients which trust it still do; a new one when it nears its end or
 * lacks the virtual-hosted name of a bucket.
 */
export async function loadCertificate(
  certFile: string,
  keyFile: string,
  buckets: readonly string[],
): Promise<Certificate> {
  const names = buckets.map((bucket) => `${bucket}.localhost`);
  const earlier = await readCertificate(certFile, keyFile);
  if (earlier !== null && stillServes(earlier, names)) return earlier;
  const certificate = createCertificate(new Date(), names);
  await writeFile(keyFile, certificate.keyPem, { mode: 0o600 });
  await writeFile(certFile, certificate.certPem);
  return certificate;
}

async function readCertificate(certFile: string, keyFile: string): Promise<Certificate | null> {
  if (!existsSync(certFile) || !existsSync(keyFile)) return null;
  return { certPem: await readFile(certFile, 'utf8'), keyPem: await readFile(keyFile, 'utf8') };
}

function stillServes({ certPem }: Certificate, names: readonly string[]): boolean {
  const monthMs = 30 * 86_400_000;
  const certificate = new X509Certificate(certPem);
  return (
    certificate.validToDate.getTime() > Date.now() + monthMs &&
    names.every((name) => certificate.checkHost(name) !== undefined)
  );
}
