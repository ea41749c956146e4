import * as z from 'zod';
import { AppError } from '../errors.ts';
import { canonicalJson } from '../secrets/canonical-json.ts';
import { isSignedBy } from '../secrets/ed25519.ts';
import { contentsShape } from './contents.ts';

/** What a manifest says of its object, as `manifest.ts` writes it; what else is in it is signed, and read by nobody here. */
const shape = z.object({
  schemaVersion: z.literal(1),
  backupId: z.string(),
  environment: z.object({ name: z.string() }),
  database: z.object({ name: z.string() }),
  engine: z.object({
    type: z.string(),
    serverVersion: z.string().nullable(),
    clientVersion: z.string().nullable(),
  }),
  format: z.string().nullable(),
  compression: z.string().nullable(),
  object: z.object({ key: z.string(), fileName: z.string() }),
  bytes: z.object({ dump: z.number().nullable(), stored: z.number() }),
  sha256: z.object({ dump: z.string().nullable(), stored: z.string().nullable() }),
  contents: contentsShape.nullable(),
  completedAt: z.string().nullable(),
  publicKey: z.string(),
});
export type Manifest = z.infer<typeof shape>;

const json: z.ZodType<z.core.util.JSONType> = z.json();
const signed = z.record(z.string(), json);
const version = z.object({ schemaVersion: z.number() });

/**
 * A manifest whose signature fits: that of the key in `publicKey`, where one is demanded, and else that of the key that it names
 * itself. Throws `invalid` for what is no manifest, or one of a newer version, and `storage_mismatch` for one that is forged.
 */
export async function readManifest(text: string, publicKey: string | null): Promise<Manifest> {
  const { signature, ...said } = membersOf(text);
  const { publicKey: named } = said;
  if (typeof signature !== 'string' || typeof named !== 'string') throw noManifest('it has no signature');
  if (publicKey !== null && named !== publicKey) {
    throw new AppError(
      'storage_mismatch',
      `The manifest is signed with another key (${named}) than that of your installation (${publicKey}): somebody else has made it. Take nothing from it.`,
    );
  }
  if (!(await isSignedBy(named, signature, canonicalJson(said)))) {
    throw new AppError(
      'storage_mismatch',
      'The manifest was changed after it was signed: its signature does not fit. Get it anew, such as from GET /api/backups/ID/manifest.',
    );
  }
  const { success, data } = version.safeParse(said);
  if (success && data.schemaVersion > 1) {
    throw new AppError(
      'invalid',
      `The manifest is of a newer version (${data.schemaVersion}) than this program reads. Take the program of the version of BRIDGEPORT that wrote it.`,
    );
  }
  const manifest = shape.safeParse(said);
  if (manifest.success) return manifest.data;
  const [issue] = manifest.error.issues;
  throw noManifest(`it says nothing usable of ${issue?.path.join('.') ?? 'its object'}`);
}

function membersOf(text: string): z.infer<typeof signed> {
  try {
    return signed.parse(JSON.parse(text));
  } catch (cause) {
    throw noManifest('it is no JSON object', cause);
  }
}

function noManifest(why: string, cause?: unknown): AppError {
  return new AppError(
    'invalid',
    `That is no manifest of a backup: ${why}. Give the file whose name ends with .manifest.json.`,
    { cause },
  );
}
