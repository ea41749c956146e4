import * as z from 'zod';
import type { Db, OidcSettingsRow, Trx } from '../db/schema.ts';
import { line, secretField } from '../fields.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { ProviderSettings } from './provider.ts';
import type { RoleMapping } from './role-mapping.ts';

const filled = (most: number) =>
  line(most).refine((text) => text.trim() !== '', { error: 'Must not be empty' });
const values = z.array(filled(300)).max(100).default([]);

export const oidcInput = z.object({
  issuer: filled(1000),
  clientId: filled(500),
  /** Absent: the one that is stored, where the issuer and the client are those that it was given for. */
  clientSecret: secretField(4096).nullish(),
  /** A client that has no secret; one that is stored is forgotten. */
  isPublicClient: z.boolean().optional(),
  scopes: line(500)
    .default('openid email profile')
    .transform((text) => text.trim().split(/\s+/).join(' '))
    .refine((text) => text.split(' ').includes('openid'), { error: 'Must hold openid' })
    .refine((text) => /^[\x21\x23-\x5b\x5d-\x7e ]+$/.test(text), {
      error: 'Must be scopes, separated by spaces',
    }),
  /** On the button: “Sign in with …”. */
  name: filled(60).default('single sign-on'),
  roleClaim: filled(200).default('groups'),
  adminValues: values,
  operatorValues: values,
  viewerValues: values,
  others: z.enum(['refused', 'viewer']).default('refused'),
  createsPeople: z.boolean().default(false),
  /** Saved though the provider was not reached, or did not know the client. */
  saveAnyway: z.boolean().optional(),
});
export type OidcInput = Readonly<z.infer<typeof oidcInput>>;

/** What is shown of it. */
export interface ShownOidc extends RoleMapping {
  readonly issuer: string;
  readonly clientId: string;
  readonly hasSecret: boolean;
  readonly scopes: string;
  readonly name: string;
  readonly createsPeople: boolean;
}

export async function readOidc(db: Db): Promise<ShownOidc | null> {
  const row = await rowOf(db);
  return row === undefined ? null : shown(row);
}

/** The name on the button of the sign-in page; null where there is none. */
export async function buttonOf(db: Db): Promise<string | null> {
  const row = await db.selectFrom('oidc_settings').select('name').limit(1).executeTakeFirst();
  return row?.name ?? null;
}

/** Where the provider sends the browser back to, to be entered there. `address`: where people open this installation, no slash at its end. */
export function redirectUriOf(address: string): string {
  return `${address}/login/oidc/callback`;
}

export function rowOf(db: Db | Trx): Promise<OidcSettingsRow | undefined> {
  return db.selectFrom('oidc_settings').selectAll().limit(1).executeTakeFirst();
}

/** What the provider is spoken to with. Throws `secret_unreadable`. */
export async function providerOf(
  { vault }: Pick<VaultContext, 'vault'>,
  row: OidcSettingsRow,
): Promise<ProviderSettings> {
  const identity = SEALED.oidcClientSecret.identity(row.id);
  return {
    issuer: row.issuer,
    clientId: row.client_id,
    clientSecret: row.client_secret === null ? null : await vault.open(row.client_secret, identity),
    scopes: row.scopes,
  };
}

export function mappingOf(row: OidcSettingsRow): RoleMapping {
  return {
    roleClaim: row.role_claim,
    adminValues: listOf(row.admin_values),
    operatorValues: listOf(row.operator_values),
    viewerValues: listOf(row.viewer_values),
    others: row.others,
  };
}

export function shown(row: OidcSettingsRow): ShownOidc {
  return {
    issuer: row.issuer,
    clientId: row.client_id,
    hasSecret: row.client_secret !== null,
    scopes: row.scopes,
    name: row.name,
    ...mappingOf(row),
    createsPeople: row.creates_people === 1,
  };
}

const list = z.array(z.string());
const listOf = (text: string): readonly string[] => list.parse(JSON.parse(text));
