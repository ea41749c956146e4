import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { engineFor } from '../../src/engines/engines.ts';
import { AppError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/object-stores/object-store.ts';
import type { Json } from '../../src/secrets/canonical-json.ts';
import { readInFull } from '../../src/verifications/node/read-in-full.ts';
import { byHand } from '../support/by-hand.ts';
import {
  type DumpOf,
  OTHER_SEED,
  OUR_SEED,
  ourKey,
  type StoredDump,
  sha256Of,
  signed,
  storedDump,
} from '../support/stored-dump.ts';

/** A dump that is changed, in every way that it is stored. */
export interface Mutable {
  readonly name: string;
  readonly dump: Buffer;
  readonly of: DumpOf;
}

/** By kind of change: how many were made, and how many of them found. */
export type Caught = Readonly<Record<string, { readonly tried: number; readonly caught: number }>>;

interface Changed {
  readonly bytes: Buffer;
  readonly manifest: string | Buffer;
}

interface Change {
  readonly kind: string;
  make(stored: StoredDump, mutable: Mutable, random: () => number): Promise<Changed>;
}

const at = (length: number, random: () => number) => Math.min(length - 1, Math.floor(random() * length));

function ofBytes(kind: string, change: (bytes: Buffer, random: () => number) => Buffer): Change {
  return {
    kind,
    async make({ bytes, manifest }, _, random) {
      return { bytes: change(bytes, random), manifest };
    },
  };
}

/** The manifest fits to what was done to the dump: as of somebody who has the storage and not the key, or of an app that saw no more. */
function beforeHashing(
  kind: string,
  change: (dump: Buffer, random: () => number) => Buffer,
  seed = OTHER_SEED,
): Change {
  return { kind, make: (_, { dump, of }, random) => storedDump(change(dump, random), of, seed) };
}

const cut = (bytes: Buffer, random: () => number) => Buffer.from(bytes.subarray(0, at(bytes.length, random)));
const flip = (bytes: Buffer, random: () => number) => {
  const changed = Buffer.from(bytes);
  const place = at(bytes.length, random);
  changed[place] = (changed[place] ?? 0) ^ (1 + Math.floor(random() * 255));
  return changed;
};
const swap = (bytes: Buffer, random: () => number) => {
  const [first = 0, second = 0] = [at(bytes.length, random), at(bytes.length, random)].sort((a, b) => a - b);
  const middle = Math.floor((first + second) / 2);
  const parts = [
    [0, first],
    [middle, second],
    [first, middle],
    [second, bytes.length],
  ] as const;
  const changed = Buffer.concat(parts.map(([from, to]) => bytes.subarray(from, to)));
  // Two pieces that are alike are no change.
  return changed.equals(bytes) ? flip(bytes, random) : changed;
};

const CHANGES: readonly Change[] = [
  ofBytes('a byte flipped', flip),
  ofBytes('cut', cut),
  ofBytes('two pieces swapped', swap),
  ofBytes('lengthened', (bytes, random) =>
    Buffer.concat([
      bytes,
      random() < 0.5 ? Buffer.from([at(256, random)]) : zstdCompressSync(bytes.subarray(0, 99)),
    ]),
  ),
  beforeHashing('cut before hashing, signed by another key', cut),
  beforeHashing('flipped before hashing, signed by another key', flip),
  beforeHashing('cut before hashing, signed by our own key', cut, OUR_SEED),
  {
    kind: 'the manifest: a byte',
    async make({ bytes, manifest }, _, random) {
      // What ends the line says nothing.
      return { bytes, manifest: flip(Buffer.from(manifest).subarray(0, -1), random) };
    },
  },
  {
    kind: 'the manifest: a member, signed by another key',
    async make({ bytes, manifest }, _, random) {
      const members: { [name: string]: Json } = JSON.parse(manifest);
      const names = Object.keys(members).filter((name) => name !== 'signature' && name !== 'publicKey');
      const name = names[at(names.length, random)] ?? 'bytes';
      return { bytes, manifest: await signed({ ...members, [name]: null }, OTHER_SEED) };
    },
  },
  {
    kind: 'the manifest of another backup',
    async make({ bytes }, { dump, of }) {
      return { bytes, manifest: (await storedDump(Buffer.concat([Buffer.from('\n'), dump]), of)).manifest };
    },
  },
];

/**
 * Changes each dump so often in each way, and tells how many were found by the program for people, with the key demanded, and by a
 * reading in full. Throws where one is refused that nobody has changed.
 */
export async function mutate(
  mutables: readonly Mutable[],
  { times, random }: { readonly times: number; readonly random: () => number },
): Promise<Caught> {
  const folder = mkdtempSync(join(tmpdir(), 'mutate-'));
  const caught: Record<string, { tried: number; caught: number }> = {};
  const count = (kind: string, isCaught: boolean) => {
    const { tried, caught: before } = caught[kind] ?? { tried: 0, caught: 0 };
    caught[kind] = { tried: tried + 1, caught: before + (isCaught ? 1 : 0) };
  };
  try {
    for (const mutable of mutables) {
      const stored = await storedDump(mutable.dump, mutable.of);
      if (await isCaughtByHand(folder, stored)) throw new Error(`${mutable.name} is refused as it is`);
      for (const { kind, make } of CHANGES) {
        for (let time = 0; time < times; time += 1) {
          const changed = await make(stored, mutable, random);
          count(kind, await isCaughtByHand(folder, changed));
          if (changed.manifest === stored.manifest && !changed.bytes.equals(stored.bytes)) {
            count(`${kind}, read in full`, await isCaughtInFull(stored, mutable, changed.bytes));
          }
        }
      }
    }
    return caught;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Found is what ends with a status that says so, before the last of the dump was given out. */
async function isCaughtByHand(folder: string, { bytes, manifest }: Changed): Promise<boolean> {
  const path = join(folder, 'stored');
  writeFileSync(path, bytes);
  writeFileSync(`${path}.manifest.json`, manifest);
  const { status, said } = await byHand([path, '--check', '--public-key', ourKey]);
  // 6: it holds what no dump tool writes, which the guards find first.
  if (status === 0 || status === 3 || status === 4 || status === 6) return status !== 0;
  throw new Error(`The program ended with status ${status}: ${said}`);
}

/** What the app finds when it reads a backup in full, by what it has recorded of it. */
async function isCaughtInFull(stored: StoredDump, { of, dump }: Mutable, bytes: Buffer): Promise<boolean> {
  const get: ObjectStore['get'] = async () => ({
    ...{ totalBytes: bytes.length, bytes: bytes.length },
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
  });
  const engine = engineFor(of.type);
  if (engine === undefined) throw new AppError('invalid', `There is no engine ${of.type}.`);
  const { damage } = await readInFull(
    { get } as unknown as ObjectStore,
    {
      ...{ key: 'k', versionId: null, bytes: stored.bytes.length, sha256: sha256Of(stored.bytes) },
      ...{ compression: of.compression, dumpSha256: sha256Of(dump), contents: null },
      newEndProof: (blocks) => engine.storedProof(of.format, blocks),
    },
    { signal: new AbortController().signal, onProgress: () => {} },
  );
  return damage !== null;
}
