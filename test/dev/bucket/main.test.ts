import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { temporaryFolder } from './harness.ts';

const line = z.object({
  endpoint: z.string(),
  caFile: z.string().nullable(),
  accessKey: z.string(),
  secretKey: z.string(),
  buckets: z.array(z.string()),
});

async function startProgram(args: readonly string[]) {
  const child = spawn(process.execPath, ['dev/bucket/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [first] = await once(createInterface(child.stdout), 'line');
  return { child, printed: line.parse(JSON.parse(String(first))) };
}

test('the program prints how to reach it, and ends on SIGTERM', async () => {
  const folder = await temporaryFolder();
  const { child, printed } = await startProgram(['--folder', folder, '--tls', '--bucket', 'demo']);
  expect(printed.endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(printed.buckets).toEqual(['demo']);
  await access(printed.caFile ?? '');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('without TLS it serves HTTP under the keys it was given', async () => {
  const folder = await temporaryFolder();
  const keys = ['--access-key', 'me', '--secret-key', 'mine'];
  const { printed } = await startProgram(['--folder', folder, '--discard', ...keys]);
  expect(printed).toMatchObject({ accessKey: 'me', secretKey: 'mine', caFile: null });
  expect((await fetch(printed.endpoint)).status).toBe(403);
});
