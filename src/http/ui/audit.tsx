import { type Context, Hono } from 'hono';
import { AuditPage, type ChainState } from '../../../views/audit/audit-page.tsx';
import type { AuditItem } from '../../../views/audit/audit-row.tsx';
import { EntryPage } from '../../../views/audit/entry-page.tsx';
import { VerifyPage } from '../../../views/audit/verify-page.tsx';
import { ACTION_CHOICES, THING_CHOICES } from '../../../views/audit/words.ts';
import type { Chip } from '../../../views/parts/chips.tsx';
import type { FilterSelect } from '../../../views/parts/filter-form.tsx';
import { readHead } from '../../audit/chain.ts';
import { chainStateOf } from '../../audit/chain-state.ts';
import { cursorText, parseCursor } from '../../audit/cursor.ts';
import { findAudit } from '../../audit/find-audit.ts';
import { listAudit } from '../../audit/list-audit.ts';
import type { ListedAudit } from '../../audit/names.ts';
import { countUnchained } from '../../audit/unchained.ts';
import { createVerifier } from '../../audit/verify-chain.ts';
import { listUsers } from '../../auth/users.ts';
import { listEnvironmentNames } from '../../environments/environments.ts';
import type { Services } from '../../services-port.ts';
import { listServiceAccounts } from '../../tokens/service-accounts.ts';
import { sendAudit } from '../audit-export.ts';
import { auditFilterOf, auditFilters } from '../audit-query.ts';
import { actorOf } from './kit/actor.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

const PER_PAGE = 50;
/** People and accounts that are offered to choose from. */
const MOST_CHOICES = 100;

/** Admin > Audit log. */
export function auditRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  const verify = createVerifier(services);

  ui.get('/admin/audit', only('admin'), async (c) => sendList(c, services));

  ui.get('/admin/audit/export', only('admin'), async (c) => {
    const format = c.req.query('format') === 'jsonl' ? 'jsonl' : 'csv';
    const filter = auditFilterOf(auditFilters.parse(saidOf(c)));
    return sendAudit(c, services, actorOf(c, services), { filter, format });
  });

  ui.get('/admin/audit/verify', only('admin'), async (c) => {
    const { faults, ...report } = await verify();
    const messages = faults.map(({ message }) => message);
    return sendPage(c, <VerifyPage frame={await frameOf(c, services)} {...report} faults={messages} />);
  });

  ui.get('/admin/audit/:auditId', only('admin'), async (c) => {
    const row = await findAudit(services.db, c.req.param('auditId'));
    return sendPage(c, <EntryPage frame={await frameOf(c, services)} item={toItem(row)} hash={row.hash} />);
  });

  return ui;
}

async function sendList(c: Context<UiEnv>, services: Services): Promise<Response> {
  const { db } = services;
  const said = saidOf(c);
  const after = parseCursor(c.req.query('before') ?? '');
  const page = { limit: PER_PAGE, after };
  const { rows, next } = await listAudit(db, auditFilterOf(auditFilters.parse(said)), page);
  const isShort = next !== null && rows.length < PER_PAGE;
  return sendPage(
    c,
    <AuditPage
      frame={await frameOf(c, services)}
      items={rows.map(toItem)}
      chain={await chainState(services)}
      search={said['q'] ?? ''}
      chips={chipsOf(said)}
      selects={await selectsOf(services, said)}
      keeps={keptOf(said)}
      since={dayOf(said['since'])}
      until={dayOf(said['until'])}
      narrowed={narrowedOf(said)}
      exports={{ csv: addressOf(said, { format: 'csv' }), jsonl: addressOf(said, { format: 'jsonl' }) }}
      newest={after === null ? null : addressOf(said)}
      older={next === null ? null : addressOf(said, { before: cursorText(next) })}
      lookedBackTo={isShort ? next.at : null}
    />,
  );
}

type Said = Readonly<Record<string, string>>;

/** The filters that the address has; one that makes no sense is as if it were not there. `who` is a person or an account. */
function saidOf(c: Context): Said {
  const { who = '', ...query } = c.req.query();
  const [kind, id = ''] = who.split(':');
  const whose: Said = kind === 'user' ? { userId: id } : kind === 'account' ? { serviceAccountId: id } : {};
  const asked: Said = { ...query, ...whose };
  return Object.fromEntries(
    Object.entries(auditFilters.shape).flatMap(([name, field]) => {
      const value = asked[name];
      const isSaid = value !== undefined && value !== '' && field.safeParse(value).success;
      return isSaid ? [[name, value]] : [];
    }),
  );
}

function addressOf(said: Said, more: Said = {}): string {
  const path = 'format' in more ? '/admin/audit/export' : '/admin/audit';
  const query = new URLSearchParams({ ...said, ...more }).toString();
  return query === '' ? path : `${path}?${query}`;
}

/** What the form has no field for. */
const KEPT = ['success', 'resourceId', 'apiTokenId', 'address', 'requestId'];

function keptOf(said: Said): Said {
  return Object.fromEntries(Object.entries(said).filter(([name]) => KEPT.includes(name)));
}

function chipsOf({ success, ...said }: Said): readonly Chip[] {
  const results = [
    { label: 'All', value: null },
    { label: 'Done', value: 'true' },
    { label: 'Failed or refused', value: 'false' },
  ];
  return results.map(({ label, value }) => ({
    label,
    href: addressOf(said, value === null ? {} : { success: value }),
    isChosen: (success ?? null) === value,
  }));
}

async function selectsOf({ db }: Services, said: Said): Promise<readonly FilterSelect[]> {
  const users = (await listUsers(db)).map(({ id, email }) => ({ value: `user:${id}`, label: email }));
  const accounts = (await listServiceAccounts(db)).map(({ id, name }) => ({
    value: `account:${id}`,
    label: `${name} (service account)`,
  }));
  const { userId, serviceAccountId } = said;
  const who =
    userId !== undefined
      ? `user:${userId}`
      : serviceAccountId === undefined
        ? ''
        : `account:${serviceAccountId}`;
  const people = [...users, ...accounts].filter(({ value }, index) => index < MOST_CHOICES || value === who);
  // Somebody who is gone did things too.
  const gone =
    who === '' || people.some(({ value }) => value === who)
      ? []
      : [{ value: who, label: 'Somebody who is gone' }];
  const environments = await listEnvironmentNames(db);
  const places = environments
    .filter(({ id }, index) => index < MOST_CHOICES || id === said['environmentId'])
    .map(({ id, name }) => ({ value: id, label: name }));
  return [
    select('who', 'Everybody', who, [...people, ...gone]),
    select('action', 'All actions', said['action'], ACTION_CHOICES),
    select('resourceType', 'All things', said['resourceType'], THING_CHOICES),
    select('environmentId', 'Everywhere', said['environmentId'], places),
  ];
}

function select(
  name: string,
  label: string,
  value: string | undefined,
  choices: FilterSelect['choices'],
): FilterSelect {
  return { name, label, value: value ?? '', choices: [{ value: '', label }, ...choices] };
}

/** The field is one of days: of an instant, its day in UTC. */
const dayOf = (moment: string | undefined) => moment?.slice(0, 10) ?? '';

function narrowedOf(said: Said) {
  const words = [
    ['resourceId', 'What was done to'],
    ['apiTokenId', 'By the API token'],
    ['address', 'From'],
    ['requestId', 'In the request'],
  ] as const;
  const parts = words.flatMap(([name, word]) => (said[name] === undefined ? [] : [`${word} ${said[name]}`]));
  if (parts.length === 0) return null;
  const rest = Object.entries(said).filter(([name]) => !words.some(([other]) => other === name));
  return { text: `${parts.join(' · ')}.`, all: addressOf(Object.fromEntries(rest)) };
}

async function chainState(services: Services): Promise<ChainState> {
  const { rows, oldestAt } = await countUnchained(services.db);
  const end = await readHead(services);
  return chainStateOf({ end, waiting: { rows, oldestAt }, now: services.now() });
}

function toItem(row: ListedAudit): AuditItem {
  const isAccount = row.service_account_id !== null;
  return {
    id: row.id,
    at: row.created_at,
    number: row.number,
    action: row.action,
    kind: row.resource_type,
    thingId: row.resource_id,
    thingName: row.resource_name,
    details: row.details,
    isDone: row.success === 1,
    error: row.error,
    who: isAccount ? (row.service_account_name ?? 'a service account that is gone') : whoOf(row),
    whoHref: isAccount
      ? `/admin/audit?who=account:${row.service_account_id}`
      : row.user_id === null
        ? null
        : `/admin/audit?who=user:${row.user_id}`,
    tokenPrefix: row.token_prefix,
    address: row.address,
    requestId: row.request_id,
    environmentName: row.environment_name,
  };
}

function whoOf({ user_id: userId, user_email: email, user_name: name }: ListedAudit): string | null {
  if (userId === null) return null;
  return name ?? email ?? 'somebody who is gone';
}
