import type { DatabaseFormChoices } from '../../../views/database-storage-fields.tsx';
import type { EngineForm } from '../../../views/dump-options.tsx';
import type { EnvironmentChoice } from '../../../views/frame/frame.ts';
import type { FormState } from '../../../views/parts/form-state.ts';
import {
  type Database,
  type DatabaseChange,
  DEFAULT_MAX_AGE_HOURS,
  databaseChange,
  newDatabase,
} from '../../databases/databases.ts';
import type { Engine, EngineField } from '../../engines/engine.ts';
import type { InputIssue } from '../../errors.ts';
import { bucketName } from '../../fields.ts';
import { hasOwnMachine } from '../../servers/own-machine.ts';
import { listServerNames } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { short } from '../../short-text.ts';
import { isStorageEnabled } from '../../storage/enabled.ts';
import { storageRow } from '../../storage/storage.ts';
import { type FormBody, isTicked, numberOf, textOf } from './kit/form-body.ts';
import { besideFields } from './kit/submit.ts';

/** Stands for the app's own machine in the drop-down: the form asks for a choice, and that is one. */
export const THIS_MACHINE = 'this-machine';

/** What the form shows, but for its values. */
export async function formChoices(
  services: Services,
  environment: EnvironmentChoice,
  engine: Engine,
  { hasCredentials, mayEnable }: { readonly hasCredentials: boolean; readonly mayEnable: boolean },
): Promise<DatabaseFormChoices> {
  const servers = await listServerNames(services.db, environment.id);
  return {
    mayFind: servers.length > 0,
    engine: toEngineForm(engine),
    servers: [
      ...servers.map(({ id, name, hostname }) => ({ value: id, label: `${name} (${hostname})` })),
      ...(hasOwnMachine(services.config)
        ? [{ value: THIS_MACHINE, label: 'The machine that BRIDGEPORT runs on' }]
        : []),
    ],
    environmentName: environment.name,
    storageIsEnabled: await isStorageEnabled(services.db, environment.id),
    storageIsConfigured: (await storageRow(services.db)) !== undefined,
    mayEnable,
    bucketField: `/environments/${environment.id}/bucket-field`,
    hasCredentials,
  };
}

/** The form of a new database of this type, in the bucket that most others use. */
export function newDatabaseValues(
  engine: Engine,
  { storageIsEnabled, bucket }: { readonly storageIsEnabled: boolean; readonly bucket: string | null },
): FormBody {
  return {
    ...valuesOfType(engine),
    // Where storage is off nothing is proposed: a copy beside the database is no copy in a disaster.
    ...(storageIsEnabled ? { backupStorageType: 'spaces', backupSpacesBucket: bucket ?? '' } : {}),
    giveUpMinutes: '5',
    maxBackupAgeHours: String(DEFAULT_MAX_AGE_HOURS),
  };
}

/** What a new database of that type begins with, and one of another type has not. */
export function valuesOfType(engine: Engine): FormBody {
  const defaults = engine.options.safeParse({});
  return {
    ...(engine.defaultPort === null ? {} : { port: String(engine.defaultPort) }),
    ...optionValues(engine.fields, defaults.success ? defaults.data : {}),
    ...engine.proposed,
  };
}

/** The form of a registered database; user and password are never among its values. */
export function databaseValues(engine: Engine, database: Database): FormBody {
  return {
    name: database.name,
    serverId: database.serverId ?? THIS_MACHINE,
    host: database.host ?? '',
    port: database.port === null ? '' : String(database.port),
    databaseName: database.databaseName ?? '',
    ...optionValues(engine.fields, database),
    backupStorageType: database.backupStorageType,
    backupLocalPath: database.backupLocalPath ?? '',
    backupSpacesBucket: database.backupSpacesBucket ?? '',
    backupSpacesPrefix: database.backupSpacesPrefix ?? '',
    giveUpMinutes: String(database.pgDumpTimeoutMs / MINUTE_MS),
    maxBackupAgeHours: String(database.maxBackupAgeHours),
  };
}

/** The form of a new database, filled with what another has set. The prefix is left out: by it each finds its own backups. */
export function duplicateValues(engine: Engine, database: Database): FormBody {
  const { backupSpacesPrefix: _, ...values } = databaseValues(engine, database);
  return { ...values, name: short(`Copy of ${database.name}`, LONGEST_NAME) };
}

const LONGEST_NAME = 100;

/** The posted form of a new database, parsed by the catalog's schema. */
export function parseNewDatabase(engine: Engine, body: FormBody) {
  const parsed = newDatabase.refine(hasBucket, NO_BUCKET).safeParse({
    ...common(engine, body),
    type: engine.type,
    ...(!engine.isFile ? { username: body['username'] || null, password: body['password'] || null } : {}),
    backupSpacesPrefix: textOf(body, 'backupSpacesPrefix') ?? undefined,
  });
  return besideFields(parsed, onTheForm);
}

/** The posted form of a registered database, parsed by the catalog's schema. */
export function parseDatabaseChange(engine: Engine, body: FormBody, before: Database) {
  const prefix = textOf(body, 'backupSpacesPrefix');
  const parsed = databaseChange.refine(hasBucket, NO_BUCKET).safeParse({
    ...common(engine, body),
    ...credentialChange(body),
    // Left blank where there never was one, the catalog chooses its default; where there was one, it is taken away.
    backupSpacesPrefix: prefix ?? (before.backupSpacesPrefix === null ? undefined : ''),
  });
  return besideFields(parsed, onTheForm);
}

const MINUTE_MS = 60_000;

/** Milliseconds; what is no number stays NaN, so that the schema refuses it. */
function minutesIn(body: FormBody): number | undefined {
  const text = textOf(body, 'giveUpMinutes');
  if (text === null) return undefined;
  return /^\d{1,4}([.,]\d{1,3})?$/.test(text)
    ? Math.round(Number(text.replace(',', '.')) * MINUTE_MS)
    : Number.NaN;
}

/** What is wrong, beside the field that it was typed into: the form asks for minutes. */
function onTheForm(issue: InputIssue): InputIssue {
  return issue.path[0] === 'pgDumpTimeoutMs'
    ? { path: ['giveUpMinutes'], message: 'Enter minutes, from 0.5 to 60.' }
    : issue;
}

/** The API takes a database whose bucket is chosen later; at a form that is more likely forgotten. */
function hasBucket(input: DatabaseChange): boolean {
  return input.backupStorageType !== 'spaces' || Boolean(input.backupSpacesBucket);
}

const NO_BUCKET = { path: ['backupSpacesBucket'], error: 'Backups to Spaces need a bucket.' };

/**
 * The bucket field alone, as it stands in the form. In a form that was refused for it (`refused`), it is wrong still:
 * the drop-down that replaces the field must say so as well.
 */
export function bucketFormOf(query: FormBody): FormState {
  const bucket = query['backupSpacesBucket'] ?? '';
  const values = { backupSpacesBucket: bucket };
  if (query['refused'] !== 'true') return { values, errors: {}, message: null };
  const wrong = bucket === '' ? NO_BUCKET.error : bucketName.safeParse(bucket).error?.issues[0]?.message;
  return { values, errors: wrong === undefined ? {} : { backupSpacesBucket: wrong }, message: null };
}

/** Blank keeps what is stored; the checkbox takes both away. */
function credentialChange(body: FormBody) {
  if (isTicked(body, 'clearCredentials')) return { username: '', password: '' };
  return { username: body['username'] || undefined, password: body['password'] || undefined };
}

function common(engine: Engine, body: FormBody) {
  return {
    name: textOf(body, 'name') ?? '',
    serverId: body['serverId'] === THIS_MACHINE ? null : (body['serverId'] ?? ''),
    host: textOf(body, 'host'),
    port: numberOf(body, 'port'),
    databaseName: body['databaseName'] || null,
    ...optionInput(engine.fields, body),
    backupStorageType: body['backupStorageType'],
    backupLocalPath: textOf(body, 'backupLocalPath'),
    backupSpacesBucket: textOf(body, 'backupSpacesBucket'),
    pgDumpTimeoutMs: minutesIn(body),
    maxBackupAgeHours: numberOf(body, 'maxBackupAgeHours') ?? undefined,
  };
}

/** A field's name may be a path of two, such as `pgDumpOptions.noOwner`. */
function optionInput(fields: readonly EngineField[], body: FormBody): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const field of fields) {
    const [name = '', inner] = field.name.split('.');
    const value = inputOf(field, body);
    if (inner === undefined) input[name] = value;
    else input[name] = { ...asObject(input[name]), [inner]: value };
  }
  return input;
}

function inputOf(field: EngineField, body: FormBody): unknown {
  if (field.widget === 'checkbox') return isTicked(body, field.name);
  if (field.widget === 'number') return numberOf(body, field.name) ?? undefined;
  return field.widget === 'select' ? body[field.name] : textOf(body, field.name);
}

function optionValues(fields: readonly EngineField[], options: unknown): FormBody {
  const values = fields.map(({ name }) => {
    const [outer = '', inner] = name.split('.');
    const value = asObject(options)[outer];
    return [name, inner === undefined ? value : asObject(value)[inner]] as const;
  });
  return Object.fromEntries(
    values.map(([name, value]) => [name, value === undefined || value === null ? '' : String(value)]),
  );
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function toEngineForm(engine: Engine): EngineForm {
  const { type, displayName, fields, isFile } = engine;
  return { type, displayName, fields, hasConnection: !isFile };
}
