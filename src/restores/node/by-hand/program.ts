import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { contentsDiffer, countsOf } from '../../../backups/contents.ts';
import { MANIFEST_SUFFIX } from '../../../backups/manifest-suffix.ts';
import { type Manifest, readManifest } from '../../../backups/read-manifest.ts';
import type { DumpContents } from '../../../engines/contents.ts';
import type { Engine } from '../../../engines/engine.ts';
import { engineFor, engines } from '../../../engines/engines.ts';
import type { RestorePlan } from '../../../engines/restore.ts';
import { AppError, isAppError } from '../../../errors.ts';
import type { Host } from '../../../hosts/host.ts';
import { newId } from '../../../ids.ts';
import { needsOf } from '../../needs.ts';
import { type DumpSource, type Fed, feedDump } from '../feed-dump.ts';
import { addressSource } from './address-source.ts';
import { type ByHandInput, HELP, isAddress, readArguments, type ToTarget, usage } from './arguments.ts';
import { restoreInto } from './into.ts';
import { fileSource, inputSource, type Source, textOf } from './sources.ts';

/** What the program is handed of its surroundings. */
export interface Surroundings {
  readonly cwd: string;
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  /** A line on standard error. */
  readonly tell: (line: string) => void;
  /** Aborted with `cancelled`, where a person or the system ends the program. */
  readonly signal: AbortSignal;
  readonly fetch: Parameters<typeof addressSource>[1];
  /** This machine, for the clients of the engines. */
  readonly openHost: () => Host;
}

/** As HELP lists them. */
export const STATUS = {
  ...{ right: 0, unexpected: 1, usage: 2, manifest: 3, damaged: 4, unreadable: 5, refused: 6, unread: 141 },
} as const;

/** Runs one command line, and tells how it ended; what is thrown is none of the faults that are foreseen. */
export async function restoreByHand(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const around = { ...surroundings, tell: (line: string) => surroundings.tell(harmless(line)) };
  let faultOf: (error: AppError) => number = () => STATUS.usage;
  try {
    const input = readArguments(words);
    if (input === null) {
      await write(around.stdout, HELP);
      return STATUS.right;
    }
    if (input.to.kind === 'output' && around.stdout.isTTY) {
      throw usage(
        'A dump is nothing for a terminal: send it on (> FILE, | PROGRAM), or say --into or --check.',
      );
    }
    faultOf = () => STATUS.manifest;
    const manifest = await manifestOf(input, around);
    faultOf = statusOf;
    await handOn(input, manifest, around);
    return STATUS.right;
  } catch (error) {
    if (isClosedPipe(error)) return STATUS.unread;
    if (!isAppError(error)) throw error;
    around.tell(
      error.code === 'dump_unsafe' ? `${error.message} That is what --unguarded is for.` : error.message,
    );
    return faultOf(error);
  }
}

function statusOf({ code }: AppError): number {
  if (code === 'storage_mismatch' || code === 'dump_incomplete') return STATUS.damaged;
  if (code.startsWith('storage_')) return STATUS.unreadable;
  return STATUS.refused;
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

async function manifestOf(input: ByHandInput, around: Surroundings): Promise<Manifest> {
  const { tell, signal } = around;
  const beside = input.manifest === null;
  const source = sourceOf(input.manifest ?? `${input.object}${MANIFEST_SUFFIX}`, around);
  const text = await textOf(source, { signal }).catch((error: unknown) => {
    if (!beside || !isAppError(error, 'storage_missing')) throw error;
    throw new AppError(
      'storage_missing',
      `There is no manifest beside it (${source.label}). Take it from the same place of the storage, or from GET /api/backups/ID/manifest, and give it with --manifest.`,
    );
  });
  const manifest = await readManifest(text, input.publicKey);
  const { environment, database, engine, completedAt } = manifest;
  tell(
    `${engine.type} ${engine.serverVersion ?? ''}, ${quoted(environment.name)} / ${quoted(database.name)}, of ${completedAt ?? 'an unknown time'}.`,
  );
  if (input.publicKey === null) {
    tell(
      `Its manifest is signed by the key ${manifest.publicKey}, which it names itself: compare it with that of your installation, or demand that with --public-key.`,
    );
  }
  if (manifest.sha256.stored === null) tell('Its SHA-256 is not known: size and end alone can be checked.');
  return manifest;
}

/** Names and a server's words may hold what a terminal would take for a command. */
function harmless(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, '');
}

function quoted(name: string): string {
  return JSON.stringify(name);
}

function sourceOf(place: string, { cwd, fetch, stdin }: Surroundings, bytes = 0): Source {
  if (place === '-') return inputSource(stdin, bytes);
  return isAddress(place) ? addressSource(place, fetch) : fileSource(resolve(cwd, place));
}

/** The stored file, beside its manifest where nobody says where else. */
async function objectOf(
  input: ByHandInput,
  { object, bytes }: Manifest,
  around: Surroundings,
): Promise<Source> {
  if (input.object !== null) return sourceOf(input.object, around, bytes.stored);
  const path = resolve(around.cwd, input.manifest ?? '');
  const names = [
    basename(path).replace(MANIFEST_SUFFIX, ''),
    basename(object.fileName),
    basename(object.key),
  ];
  for (const name of names) {
    const source = fileSource(join(dirname(path), name));
    if (join(dirname(path), name) !== path && (await isThere(source))) return source;
  }
  throw new AppError(
    'storage_missing',
    `The stored file is not beside its manifest, neither as ${names.map(quoted).join(' nor as ')}. Give it with --object.`,
  );
}

async function isThere(source: Source): Promise<boolean> {
  try {
    const body = await source.get('');
    await body[Symbol.asyncIterator]().return?.(undefined);
    return true;
  } catch (error) {
    if (isAppError(error, 'storage_missing')) return false;
    throw error;
  }
}

async function handOn(input: ByHandInput, manifest: Manifest, around: Surroundings): Promise<void> {
  const { to } = input;
  const engine = engineFor(manifest.engine.type);
  if (engine?.restore === undefined) {
    const known = engines.map(({ type }) => type).join(', ');
    throw new AppError(
      'invalid',
      `The manifest is of ${quoted(manifest.engine.type)}, which this program does not restore (${known}).`,
    );
  }
  const store = await objectOf(input, manifest, around);
  const plan = planOf(engine, manifest, to.kind === 'target' ? await targetOf(engine, to, around) : null);
  const { newGuard, ...unguarded } = plan;
  const guarded = input.isUnguarded || newGuard === undefined ? unguarded : plan;
  if (to.kind === 'target') return restoreTo(to, { manifest, engine, store, plan: guarded, around });
  const isTransaction = to.kind === 'output' && to.isTransaction;
  if (isTransaction && plan.before.byteLength === 0) {
    throw new AppError(
      'invalid',
      '--transaction is for plain dumps of PostgreSQL: this one needs none of it.',
    );
  }
  const nothing = { before: new Uint8Array(0), after: new Uint8Array(0) };
  const sent = isTransaction ? guarded : { ...guarded, ...nothing };
  if (to.kind === 'output') {
    around.tell(
      'What is written is not proven yet: whoever reads it must commit nothing, and not take its end for the dump’s, before this program has ended with exit status 0.',
    );
  }
  await send(to.kind === 'output' ? around.stdout : null, { manifest, engine, store, plan: sent, around });
}

interface Sending {
  readonly manifest: Manifest;
  readonly engine: Engine;
  readonly store: Source;
  readonly plan: RestorePlan;
  readonly around: Surroundings;
}

/** Reads it all, checks it, and writes it, at the pace of whoever reads. */
async function send(
  output: Writable | null,
  { manifest, engine, store, plan, around }: Sending,
): Promise<void> {
  const fed: Fed = { bytes: 0, sha256: null, dumpBytes: 0, isProven: false };
  const { signal, tell } = around;
  let counted: DumpContents | null = null;
  const stored: DumpSource = {
    ...storedOf(manifest, engine),
    check(proof) {
      counted = proof.contents?.() ?? null;
      const differ = contentsDiffer(countsOf(manifest.contents), countsOf(counted));
      if (differ !== null) {
        throw new AppError(
          'storage_mismatch',
          `The dump is not the one that the manifest tells of: ${differ}`,
        );
      }
    },
  };
  for await (const chunk of feedDump(store, stored, plan, { fed, signal })) {
    if (output !== null) await write(output, chunk);
  }
  tell(
    `All of it is right: ${fed.bytes} stored bytes, ${fed.dumpBytes} of the dump, its end${inWords(counted)}.`,
  );
}

function inWords(contents: DumpContents | null): string {
  if (contents === null) return '';
  const rows = contents.tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  return `, ${contents.tables.length} tables with ${rows} rows`;
}

function storedOf({ bytes, sha256, compression, format }: Manifest, engine: Engine): DumpSource {
  return {
    ...{ key: '', versionId: null, bytes: bytes.stored, sha256: sha256.stored, compression },
    newEndProof: (blocks) => engine.storedProof(format, blocks),
  };
}

async function write(output: Writable, bytes: Uint8Array | string): Promise<void> {
  await new Promise<void>((done, fail) => output.write(bytes, (error) => (error ? fail(error) : done())));
}

async function restoreTo(to: ToTarget, { manifest, engine, store, plan, around }: Sending): Promise<void> {
  const { signal, tell } = around;
  const host = around.openHost();
  const { contents } = manifest;
  try {
    const stored = storedOf(manifest, engine);
    const { tables, isCompared } = await restoreInto({ host, plan, store, stored, contents, signal, tell });
    const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
    const as = isCompared ? 'as many as the manifest tells of' : 'which the manifest does not tell of';
    tell(`${quoted(to.name)} is there, with ${tables.length} tables and ${rows} rows, ${as}.`);
  } finally {
    await host.close();
  }
}

type Target = Parameters<NonNullable<Engine['restore']>>[0];
type Place = Pick<Target, 'host' | 'port' | 'username' | 'password' | 'options' | 'newName'>;

async function targetOf(engine: Engine, to: ToTarget, { cwd }: Surroundings): Promise<Place> {
  const { host, port, username, passwordFile, tlsMode, tlsCaFile } = to;
  const password = passwordFile === null ? null : firstLine(await given(resolve(cwd, passwordFile)));
  const tlsCa = tlsCaFile === null ? null : await given(resolve(cwd, tlsCaFile));
  return {
    ...{ host, username, password },
    port: port ?? (host === null ? null : engine.defaultPort),
    options: engine.isFile ? {} : { tlsMode, tlsCa },
    newName: engine.isFile ? resolve(cwd, to.name) : to.name,
  };
}

async function given(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('invalid', `${path} can't be read.`, { cause });
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}

/** Of a dump that is only written, what must not be in it is looked for as if it were restored. */
function planOf(
  engine: Engine,
  { engine: of, format, bytes, contents }: Manifest,
  place: Place | null,
): RestorePlan {
  const nowhere = { host: null, port: null, username: null, password: null, options: {} };
  const plan = engine.restore?.({
    ...(place ?? { ...nowhere, newName: engine.isFile ? '/restored' : 'restored' }),
    ...{ databaseName: null, token: newId(), format },
    ...{ serverVersion: of.serverVersion, clientVersion: of.clientVersion, expectedBytes: bytes.dump },
    needs: needsOf(contents),
  });
  if (plan === undefined) throw new AppError('invalid', `Nothing restores dumps of ${of.type}.`);
  return plan;
}
