import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { GIB } from './figures.ts';
import { cleanEnvironment } from './upload.ts';

/** What the figures were measured on and with. */
export function describeMachine(): Readonly<Record<string, string>> {
  return {
    CPU: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / GIB).toFixed(0)} GiB`,
    Node: process.versions.node,
    pg_dump: versionOf('pg_dump', '--version'),
    OpenSSH: versionOf('ssh', '-V'),
    zstd: versionOf('zstd', '--version'),
    rclone: versionOf('rclone', 'version'),
    awscli: versionOf('aws', '--version'),
  };
}

function versionOf(program: string, argument: string): string {
  const text = execFileSync('sh', ['-c', `${program} ${argument} 2>&1 || true`], {
    env: cleanEnvironment(),
    encoding: 'utf8',
  });
  return /\d+(?:\.\d+)+\w*/.exec(text)?.[0] ?? 'unknown';
}
