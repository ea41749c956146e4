import type { EndProof } from '../../src/engines/engine.ts';
import type { PreflightCheck, RestorePlan } from '../../src/engines/restore.ts';
import { AppError } from '../../src/errors.ts';
import type { HostCommand } from '../../src/hosts/host.ts';
import { openLocalHost } from '../../src/hosts/node/local.ts';
import { createLog } from '../../src/log.ts';

const log = createLog(
  'error',
  () => {},
  () => new Date(),
);
const CHUNK_BYTES = 7 * 1024;
/** What its stdin breaks off with, where the source of a dump fails. */
export const CUT = new AppError('storage_unreachable', 'The source of the dump failed.');

/** What a command of a plan prints; throws as the plan explains its failure. `environment` is of the host. */
export async function runOn(
  plan: Pick<RestorePlan, 'explain'>,
  command: HostCommand,
  input?: AsyncIterable<Uint8Array>,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const host = openLocalHost({ label: 'this machine', log, environment });
  const chunks: Uint8Array[] = [];
  try {
    const options = { signal: AbortSignal.timeout(60_000), ...(input ? { input } : {}) };
    for await (const chunk of host.run(command, options)) chunks.push(chunk.slice());
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'host_command') throw error;
    const { exitCode = null, stderr = '' } = error.details;
    throw plan.explain({ exitCode: exitCode ?? null, stderr }) ?? error;
  } finally {
    await host.close();
  }
  return Buffer.concat(chunks).toString();
}

export async function checksOf(
  plan: RestorePlan,
  environment?: Readonly<Record<string, string>>,
): Promise<readonly PreflightCheck[]> {
  return plan.preflight.read(await runOn(plan.preflight, plan.preflight.command, undefined, environment));
}

/** Creates and loads, as whoever restores does: every byte before its guard, and removed again where that fails. */
export async function load(
  plan: RestorePlan,
  dump: Uint8Array,
  options: {
    readonly cutAt?: number;
    readonly isGuarded?: boolean;
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<void> {
  const { environment } = options;
  await runOn(plan, plan.create, undefined, environment);
  try {
    const guard = options.isGuarded === false ? undefined : plan.newGuard?.();
    await runOn(plan, plan.load, bytesOf(plan, dump, options.cutAt, guard), environment);
  } catch (error) {
    await runOn(plan, plan.remove, undefined, environment);
    throw error;
  }
}

/** Loads, counts by name of the table, and finishes. */
export async function restore(
  plan: RestorePlan,
  dump: Uint8Array,
  environment?: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, number>>> {
  await load(plan, dump, environment ? { environment } : {});
  const counted = plan.count.read(await runOn(plan, plan.count.command, undefined, environment));
  if (plan.finish !== null) await runOn(plan, plan.finish, undefined, environment);
  return Object.fromEntries(counted.map(({ name, rows }) => [name, rows]));
}

/** The rows of each table, as the end proof counted them in the dump. */
export function rowsInDump(proof: EndProof, dump: Uint8Array): Readonly<Record<string, number | null>> {
  proof.observe(dump);
  proof.finish();
  const tables = proof.contents?.()?.tables ?? [];
  return Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));
}

async function* bytesOf(
  plan: RestorePlan,
  dump: Uint8Array,
  cutAt: number | undefined,
  guard: ReturnType<NonNullable<RestorePlan['newGuard']>> | undefined,
): AsyncGenerator<Uint8Array> {
  if (guard?.first !== undefined) yield guard.first;
  if (plan.before.length > 0) yield plan.before;
  for (let at = 0; at < (cutAt ?? dump.length); at += CHUNK_BYTES) {
    // A copy, which a Buffer's own slice is not: a guard may blank a part of it.
    const chunk = Uint8Array.from(dump.subarray(at, Math.min(at + CHUNK_BYTES, cutAt ?? dump.length)));
    yield guard?.observe(chunk) ?? chunk;
  }
  if (cutAt !== undefined) throw CUT;
  if (plan.after.length > 0) yield plan.after;
}
