import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import Database from 'better-sqlite3';

/** Downloads a URL as a browser would, trusting that CA; gives what came. */
export async function download(
  url: string,
  file: string,
  ca: string | null,
): Promise<{ bytes: number; seconds: number; sha256: string }> {
  mkdirSync(dirname(file), { recursive: true });
  const startedAt = performance.now();
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    get(url, ca === null ? {} : { ca }, resolve).once('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`the presigned URL answered ${response.statusCode}`);
  const hash = createHash('sha256');
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.byteLength;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(response, count, createWriteStream(file));
  return { bytes, seconds: (performance.now() - startedAt) / 1000, sha256: hash.digest('hex') };
}

/** Restores a `.sql.gz` by stock means: gunzip, then the SQL text into a fresh file. */
export async function restore(file: string, target: string): Promise<void> {
  const sql = `${target}.sql`;
  await pipeline(createReadStream(file), createGunzip(), createWriteStream(sql));
  rmSync(target, { force: true });
  const database = new Database(target);
  try {
    database.exec(readFileSync(sql, 'utf8'));
  } finally {
    database.close();
  }
}
