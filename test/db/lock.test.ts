import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lockDataDir } from '../../src/db/node/lock.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newDataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  folders.push(folder);
  return join(folder, 'data');
}

describe('lockDataDir', () => {
  it('makes the folder for its owner alone and refuses a second holder until released', () => {
    const dataDir = newDataDir();
    const lock = lockDataDir(dataDir);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(() => lockDataDir(dataDir)).toThrow(`Another process is already running on ${dataDir}`);
    lock.release();
    lockDataDir(dataDir).release();
  });

  it('refuses while another process holds it and is free after that process was killed', async () => {
    const dataDir = newDataDir();
    const script = `
      const { lockDataDir } = await import(${JSON.stringify(new URL('../../src/db/node/lock.ts', import.meta.url).href)});
      globalThis.held = lockDataDir(${JSON.stringify(dataDir)});
      console.log('held');
      setInterval(() => {}, 60_000);
    `;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(holder, 'exit');
    await once(holder.stdout, 'data');
    expect(() => lockDataDir(dataDir)).toThrow('Another process');
    holder.kill('SIGKILL');
    await exit;
    lockDataDir(dataDir).release();
  });

  it('says what is wrong with a folder that cannot be made', () => {
    expect(() => lockDataDir('/dev/null/data')).toThrow("Can't use the data folder /dev/null/data");
  });
});
