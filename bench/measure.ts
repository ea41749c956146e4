import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { endWithBench, killGroup } from './processes.ts';

/** What one command took. */
export interface Measured {
  readonly seconds: number;
  /** User and system time of the command and of all that it started, to the millisecond (the shell's `times`). */
  readonly cpuSeconds: number;
  /** The most memory each process of the command held, summed. */
  readonly peakRssBytes: number;
}

export interface Feed {
  /** Written to the command's stdin so many times, by `cat`, which is not measured. */
  readonly file: string;
  readonly times: number;
}

/** Of a process, the peak is read so often: it only ever grows, so that just the growth of the last moment is missed. */
const POLL_MS = 25;

/**
 * The shell in the middle starts nothing but the command, so that what `times` says of its children is the command's.
 * $0: how often to feed, $1: what to feed, or nothing.
 */
const FEED = `
fcntl STDOUT, 1031, 1048576;
my ($times, $file) = @ARGV;
open my $in, '<:raw', $file or die $!;
my $text = do { local $/; <$in> };
for (1 .. $times) {
  for (my $at = 0; $at < length $text;) { $at += syswrite(STDOUT, $text, 1048576, $at) // die $!; }
}
`;
const SCRIPT = `
times=$0 file=$1
shift
measure() { bash -c '"$@" <&0 3>&- & echo "pid $!" >&3; wait $!; echo "status $?" >&3; times >&3' bash "$@"; }
if [ -z "$file" ]; then measure "$@"; exit; fi
perl -e "$FEED" "$times" "$file" | measure "$@"
`;

/** Runs a command to its end. Throws with its output unless its exit status is 0. */
export async function measure(
  command: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly feed?: Feed; readonly withinMs: number },
): Promise<Measured> {
  const { env, feed, withinMs } = options;
  const child = spawn('bash', ['-c', SCRIPT, String(feed?.times ?? 0), feed?.file ?? '', ...command], {
    env: { ...env, FEED },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const startedAt = performance.now();
  const forget = endWithBench(child.pid);
  const tooLong = setTimeout(() => killGroup(child.pid), withinMs);
  const peak = watchPeak();
  try {
    const [report, output] = await Promise.all([readReport(child, peak, startedAt), outputOf(child)]);
    if (report.status !== 0) {
      throw new Error(
        `${command.slice(0, 3).join(' ')} … ended with status ${report.status}: ${output.slice(-2000)}`,
      );
    }
    return { seconds: report.seconds, cpuSeconds: report.cpuSeconds, peakRssBytes: peak.sum() };
  } finally {
    clearTimeout(tooLong);
    peak.stop();
    forget();
  }
}

async function outputOf(child: ChildProcess): Promise<string> {
  const parts = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : ''));
  return (await Promise.all(parts)).join('');
}

interface Report {
  readonly status: number | null;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function readReport(
  child: ChildProcess,
  peak: { watch(pid: number): void },
  startedAt: number,
): Promise<Report> {
  let report = '';
  let seconds = 0;
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    const known = report.length;
    report += chunk.toString();
    const pid = /^pid (\d+)\n/.exec(report)?.[1];
    if (pid !== undefined && known === 0) peak.watch(Number(pid));
    if (seconds === 0 && report.includes('\nstatus ')) seconds = (performance.now() - startedAt) / 1000;
  });
  await new Promise((done) => child.once('close', done));
  const status = /^status (\d+)$/m.exec(report)?.[1];
  const times = [...report.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  );
  // The shell's own user and system time, then its children's.
  const [, , user = Number.NaN, system = Number.NaN] = times;
  return { status: status === undefined ? null : Number(status), seconds, cpuSeconds: user + system };
}

/** The peaks of a process and its descendants. */
function watchPeak() {
  const peaks = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;
  const look = (pid: number): void => {
    const bytes = peakRss(pid);
    if (bytes > 0) peaks.set(pid, bytes);
    for (const child of childrenOf(pid)) look(child);
  };
  return {
    watch(pid: number) {
      timer = setInterval(() => look(pid), POLL_MS);
    },
    stop: () => clearInterval(timer),
    sum: () => [...peaks.values()].reduce((total, bytes) => total + bytes, 0),
  };
}

/** The most memory that a process has held, in bytes; 0 when it is gone. */
export function peakRss(pid: number): number {
  return memoryOf(pid, 'VmHWM');
}

/** Has `peakRss` of that process begin anew (proc_pid_clear_refs, 5). */
export function forgetPeakRss(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The memory that a process holds now, in bytes. */
export function currentRss(pid: number): number {
  return memoryOf(pid, 'VmRSS');
}

function memoryOf(pid: number, field: string): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`))?.[1];
  return kib === undefined ? 0 : Number(kib) * 1024;
}

/** User and system time of a process that runs, in seconds; the kernel counts in hundredths. */
export function cpuSecondsOf(pid: number): number {
  // The second field, the name, may hold spaces and parentheses.
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** CPU time of all threads of a process that runs, in ms, to the nanosecond as the scheduler counts it. */
export function cpuMsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0),
  );
  return threads.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6;
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
