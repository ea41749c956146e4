import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createCertificate } from '../../../dev/bucket/certificate.ts';
import { startBench, temporaryFolder } from './harness.ts';

const run = promisify(execFile);

test('the certificate is its own authority and names every local address', () => {
  const now = new Date('2026-05-04T03:02:01.000Z');
  const certificate = new X509Certificate(createCertificate(now, ['backups.localhost']).certPem);
  expect(certificate.ca).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkIssued(certificate)).toBe(true);
  expect(certificate.checkHost('localhost')).toBeDefined();
  expect(certificate.checkHost('backups.localhost')).toBeDefined();
  expect(certificate.checkHost('example.org')).toBeUndefined();
  expect(certificate.checkIP('127.0.0.1')).toBeDefined();
  expect(certificate.checkIP('::1')).toBeDefined();
  expect(certificate.validFromDate).toEqual(new Date('2026-05-03T03:02:01.000Z'));
  expect(certificate.validToDate).toEqual(new Date('2031-05-04T03:02:01.000Z'));
});

test('a hundred certificates parse, whatever their random numbers are', () => {
  for (let count = 0; count < 100; count += 1) {
    const certificate = new X509Certificate(createCertificate(new Date()).certPem);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  }
});

test('curl trusts the server by its certificate file, also under a virtual-hosted name', async () => {
  const bench = await startBench();
  const trusting = ['-sS', '--cacert', bench.caFile ?? '', '-o', '/dev/null', '-w', '%{http_code}'];
  const named = bench.endpoint.replace('127.0.0.1', 'backups.localhost');
  expect((await run('curl', [...trusting, bench.endpoint])).stdout).toBe('403');
  expect((await run('curl', [...trusting, named])).stdout).toBe('403');
  await expect(run('curl', ['-sS', bench.endpoint])).rejects.toThrow(/certificate/);
});

test('fetch refuses the server without the certificate', async () => {
  const bench = await startBench();
  expect((await bench.plain(bench.endpoint)).status).toBe(403);
  await expect(fetch(bench.endpoint)).rejects.toThrow('fetch failed');
});

test('a later start on the same folder keeps the certificate', async () => {
  const folder = await temporaryFolder();
  const [first, second] = [await startBench({ folder }), await startBench({ folder })];
  expect(second.caPem).toBe(first.caPem);
});
