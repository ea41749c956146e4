import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { MANIFEST_SUFFIX } from '../../src/backups/manifest-suffix.ts';
import { engineFor } from '../../src/engines/engines.ts';
import { canonicalJson, type Json } from '../../src/secrets/canonical-json.ts';
import { ed25519Signer } from '../../src/secrets/ed25519.ts';

/** A dump as it lies in a storage, with its manifest. */
export interface StoredDump {
  readonly bytes: Buffer;
  readonly manifest: string;
}

export interface DumpOf {
  readonly type: 'postgres' | 'mysql' | 'sqlite';
  readonly format: string;
  readonly compression: 'none' | 'gzip-6' | 'zstd-3';
  readonly serverVersion?: string;
  readonly clientVersion?: string;
  /** Of what the manifest tells; the dump's own where it is absent, as who forges one would count it. */
  readonly counted?: Buffer;
}

const PACK = {
  none: (dump: Buffer) => dump,
  'gzip-6': (dump: Buffer) => gzipSync(dump),
  'zstd-3': (dump: Buffer) => zstdCompressSync(dump),
} as const;

export const OUR_SEED = new Uint8Array(32).fill(7);
export const OTHER_SEED = new Uint8Array(32).fill(9);
export const ourKey = (await ed25519Signer(OUR_SEED)).publicKey;

export const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The dump, stored and signed by the key of that seed. */
export async function storedDump(dump: Buffer, of: DumpOf, seed = OUR_SEED): Promise<StoredDump> {
  const bytes = PACK[of.compression](dump);
  const manifest = await signed(
    {
      ...{ schemaVersion: 1, backupId: 'b1', restoreByHand: null, options: null },
      environment: { id: 'e1', name: 'größe "x" <b>' },
      database: { id: 'd1', name: "o'brien 🐘" },
      engine: {
        ...{
          type: of.type,
          serverVersion: of.serverVersion ?? null,
          clientVersion: of.clientVersion ?? null,
        },
      },
      ...{ format: of.format, compression: of.compression },
      object: { key: 'a b/stored ü 😀', versionId: null, fileName: 'stored ü 😀', contentType: 'text/plain' },
      bytes: { dump: dump.length, stored: bytes.length },
      sha256: { dump: sha256Of(dump), stored: sha256Of(bytes) },
      contents: contentsOf(of.counted ?? dump, of),
      ...{ startedAt: '2026-03-04T05:06:07.890Z', completedAt: '2026-03-04T05:06:09.890Z' },
    },
    seed,
  );
  return { bytes, manifest };
}

/** Signed anew, whatever it says, and by whatever key. */
export async function signed(members: { readonly [name: string]: Json }, seed: Uint8Array): Promise<string> {
  const { publicKey, sign } = await ed25519Signer(seed);
  const { signature: _, ...said } = members;
  const manifest = { ...said, publicKey };
  return `${canonicalJson({ ...manifest, signature: await sign(canonicalJson(manifest)) })}\n`;
}

/** Null for what comes to no end. */
function contentsOf(dump: Buffer, { type, format }: DumpOf): Json {
  const proof = engineFor(type)?.storedProof(format);
  try {
    proof?.observe(dump);
    proof?.finish();
    const contents = proof?.contents?.() ?? null;
    return contents === null ? null : JSON.parse(JSON.stringify(contents));
  } catch {
    return null;
  }
}

/** Puts both beside each other. */
export function writeStored(path: string, { bytes, manifest }: StoredDump): void {
  writeFileSync(path, bytes);
  writeFileSync(`${path}${MANIFEST_SUFFIX}`, manifest);
}
