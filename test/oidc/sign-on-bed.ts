import { expect } from 'vitest';
import { write } from '../../src/db/write.ts';
import { saveSettings } from '../../src/settings/settings.ts';
import { HERE, ORIGIN, openPages, type Pages, type Visitor } from '../http/ui/pages.ts';
import { CLIENT, startOidcProvider, type TestProvider } from '../support/oidc-provider.ts';

/** The page of the settings. */
export const SETTINGS = '/admin/system/single-sign-on';

type AuditRow = Awaited<ReturnType<typeof auditOf>>[number];

/** An app whose people sign in by a provider that runs on this machine, and an admin with a password. */
export interface SignOnBed {
  readonly pages: Pages;
  readonly provider: TestProvider;
  readonly admin: Visitor;
  set(change: Parameters<typeof saveSettings>[1]): Promise<void>;
  /** Enters the provider on the page. */
  save(change?: Readonly<Record<string, string>>): Promise<void>;
  /** Somebody of the provider, with an e-mail address of their own. */
  person(groups: unknown, more?: Readonly<Record<string, unknown>>): string;
  /** Signs in by the provider: gives what the callback answered. */
  signOn(visitor: Visitor, login: string, next?: string): ReturnType<Visitor['get']>;
  /** What is said to whom the provider signed in, and nobody let in. */
  refusedBy(visitor: Visitor, login: string): Promise<string | null>;
  idOf(email: string): Promise<string>;
  auditOf(action: string, kind: string): Promise<readonly AuditRow[]>;
  close(): Promise<void>;
}

/** `publicUrl`: null for an app that is told none. */
export async function openSignOn(publicUrl: string | null = ORIGIN): Promise<SignOnBed> {
  const provider = await startOidcProvider([`${ORIGIN}/login/oidc/callback`]);
  const pages = await openPages(publicUrl === null ? {} : { PUBLIC_URL: publicUrl });
  const { db } = pages.services;
  const admin = await pages.signedIn('admin');
  const bed: SignOnBed = {
    ...{ pages, provider, admin },
    set: (change) => write(db, (trx) => saveSettings(trx, change, new Date())),
    save: (change = {}) => save(provider, admin, change),
    person(groups, more = {}) {
      const login = `p-${crypto.randomUUID()}`;
      const claims = { email: `${login}@example.com`, email_verified: true, name: 'Ada Müller 🗝', groups };
      provider.people.set(login, { ...claims, ...more });
      return login;
    },
    async signOn(visitor, login, next = '/login/oidc') {
      const begun = await visitor.get(next);
      expect(begun.status).toBe(303);
      const back = await provider.signIn(begun.location ?? '', login);
      return visitor.get(back.pathname + back.search);
    },
    async refusedBy(visitor, login) {
      const answer = await bed.signOn(visitor, login);
      expect([answer.status, answer.location, await roleOf(visitor)]).toEqual([303, '/login', null]);
      return noticeOf((await visitor.get('/login')).html);
    },
    idOf: (email) => idOf(pages, email),
    auditOf: (action, kind) => auditOf(pages, action, kind),
    async close() {
      await pages.close();
      await provider.close();
    },
  };
  await bed.set({ privateHosts: '127.0.0.1' });
  await bed.save();
  return bed;
}

async function save(
  provider: TestProvider,
  admin: Visitor,
  change: Readonly<Record<string, string>>,
): Promise<void> {
  const form = {
    ...{ issuer: provider.issuer, ...CLIENT, scopes: 'openid email profile', name: 'Test <b>&amp;' },
    ...{ roleClaim: 'groups', adminValues: 'admins', operatorValues: 'ops\r\n\r\n cn=ops,dc=x ' },
    ...{ viewerValues: 'staff', others: 'refused', createsPeople: 'true', ...change },
  };
  const answer = await admin.post(SETTINGS, form, HERE);
  expect([answer.status, fieldErrors(answer.html)]).toEqual([303, []]);
}

export const fieldErrors = (html: string) =>
  [...html.matchAll(/field-error">([^<]*)</g)].map(([, text]) => text ?? '');
export const noticeOf = (html: string) =>
  /notice-(?:error|warning)"[^>]*>(?:<p>)?([^<]*)</.exec(html)?.[1] ?? null;
export const roleOf = async (visitor: Visitor) =>
  /Signed in as <strong>([^<]+)<\/strong>, role (\w+)/.exec((await visitor.get('/account')).html)?.slice(1) ??
  null;

async function idOf({ services }: Pages, email: string): Promise<string> {
  const query = services.db.selectFrom('users').select('id').where('email', '=', email);
  return (await query.executeTakeFirstOrThrow()).id;
}

function auditOf({ services }: Pages, action: string, kind: string) {
  return services.db
    .selectFrom('audit_logs')
    .selectAll()
    .where('action', '=', action)
    .where('resource_type', '=', kind)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}
