import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CommandFailure } from '../../src/engines/engine.ts';
import type { HostCommand } from '../../src/hosts/host.ts';
import { quote } from '../../src/hosts/quote.ts';

/** What a command left. */
export interface Finished extends CommandFailure {
  readonly stdout: Buffer;
}

export interface ShellOptions {
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Buffer;
}

/** Runs a host's command in a shell of this machine, its secrets as shell variables that are not exported. */
export async function runInShell(command: HostCommand, options: ShellOptions = {}): Promise<Finished> {
  const secrets = Object.entries(command.secrets ?? {}).map(([name, value]) => `${name}=${quote(value)}\n`);
  const [program = 'sh', ...args] = options.shell ?? ['sh'];
  const child = spawn(program, [...args, '-c', secrets.join('') + command.script], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...options.env },
    stdio: 'pipe',
  });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  const [exitCode] = await once(child, 'close');
  return { exitCode: typeof exitCode === 'number' ? exitCode : null, stderr, stdout: Buffer.concat(stdout) };
}
