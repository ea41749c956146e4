import { type Context, Hono } from 'hono';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { samePage } from '../../../views/parts/pager.tsx';
import { NewTokenPage, TokenMadePage, type TokenPlace } from '../../../views/tokens/new-token.tsx';
import { questionOfToken } from '../../../views/tokens/token-table.tsx';
import { TokensPage } from '../../../views/tokens/tokens-page.tsx';
import { hasRole, ROLES } from '../../auth/roles.ts';
import { listUsers } from '../../auth/users.ts';
import { AppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { listServiceAccounts } from '../../tokens/service-accounts.ts';
import { countTokens, createToken, listTokens, revokeToken, type TokenOwner } from '../../tokens/tokens.ts';
import { ownAddress } from '../request-address.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import type { FormBody } from './kit/form-body.ts';
import { filterOf, frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { leaveMadeToken, takeMadeToken } from './made-token.ts';
import { firstRequest, freshToken, parseToken } from './token-form.ts';

const PER_PAGE = 50;
const ALL: TokenPlace = {
  ...{ section: 'users', action: '/admin/tokens/new' },
  back: { href: '/admin/tokens', label: 'API tokens' },
};
const OWN: TokenPlace = {
  ...{ section: 'account', action: '/account/tokens/new' },
  back: { href: '/account', label: 'Account' },
};

/** Admin > Users & tokens, and one's own tokens under Account. */
export function tokenRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/admin/tokens', only('admin'), async (c) => {
    const page = pageOf(c, PER_PAGE);
    const tokens = await listTokens(services.db, {}, page);
    const asked = tokens.find(({ id }) => id === c.req.query('revoke'));
    return sendPage(
      c,
      <TokensPage
        frame={await frameOf(c, services)}
        tokens={tokens}
        page={{ ...page, total: await countTokens(services.db) }}
        question={
          asked === undefined
            ? null
            : questionOfToken(asked, `/admin/tokens/${asked.id}/revoke`, samePage('/admin/tokens', page))
        }
      />,
    );
  });

  ui.get('/admin/tokens/new', only('admin'), async (c) => {
    const values = { ...freshToken('admin'), owner: c.req.query('owner') ?? userOwner(c) };
    return sendForm(c, services, ALL, freshForm(values));
  });

  ui.post('/admin/tokens/new', only('admin'), async (c) =>
    makeToken(c, services, ALL, (body) => ownerOf(body['owner'])),
  );

  ui.get('/admin/tokens/:tokenId/made', only('admin'), async (c) =>
    sendMade(c, services, ALL, c.req.param('tokenId')),
  );

  ui.post('/admin/tokens/:tokenId/revoke', only('admin'), async (c) => {
    await revokeToken(services, actorOf(c, services), c.req.param('tokenId'));
    return goTo(c, services, '/admin/tokens', 'token-revoked');
  });

  ui.get('/account/tokens/new', only('viewer'), async (c) =>
    sendForm(c, services, OWN, freshForm(freshToken(c.get('session').user.role))),
  );

  ui.post('/account/tokens/new', only('viewer'), async (c) =>
    makeToken(c, services, OWN, () => ({ userId: c.get('session').user.id })),
  );

  ui.get('/account/tokens/:tokenId/made', only('viewer'), async (c) =>
    sendMade(c, services, OWN, c.req.param('tokenId')),
  );

  ui.post('/account/tokens/:tokenId/revoke', only('viewer'), async (c) => {
    const of = c.get('session').user.id;
    await revokeToken(services, actorOf(c, services), c.req.param('tokenId'), { of });
    return goTo(c, services, '/account', 'token-revoked');
  });

  return ui;
}

async function makeToken(
  c: Context<UiEnv>,
  services: Services,
  place: TokenPlace,
  owned: (body: FormBody) => TokenOwner,
): Promise<Response> {
  return submit(c, services, {
    parse: parseToken,
    refuse: (form) => sendForm(c, services, place, form),
    async act(input, body) {
      const { token, record } = await createToken(services, actorOf(c, services), owned(body), input);
      const { id, name, access, expiresAt } = record;
      const environmentId = input.environmentIds?.[0] ?? (await filterOf(c, services)).environments[0]?.id;
      await leaveMadeToken(c, services, id, {
        ...{ token, name, access, expiresAt },
        ...(environmentId === undefined ? {} : { environmentId }),
      });
      return { to: place.action.replace(/new$/, `${id}/made`) };
    },
  });
}

/** The one page that shows a token, once. Asked for again, in whatever way, it leads to the list, which says so. */
async function sendMade(c: Context<UiEnv>, services: Services, place: TokenPlace, id: string) {
  const made = await takeMadeToken(c, services, id);
  if (made === null) return goTo(c, services, place.back.href, 'token-shown');
  const { name, token, expiresAt } = made;
  const first = firstRequest(ownAddress(c, services), {
    access: made.access,
    environmentId: made.environmentId,
  });
  const frame = await frameOf(c, services);
  return sendPage(c, <TokenMadePage frame={frame} place={place} {...{ name, token, expiresAt, first }} />);
}

/** With a refused form it answers 422. */
async function sendForm(c: Context<UiEnv>, services: Services, place: TokenPlace, form: FormState) {
  const { role } = c.get('session').user;
  return sendPage(
    c,
    <NewTokenPage
      frame={await frameOf(c, services)}
      place={place}
      form={form}
      roles={ROLES.toReversed().filter((one) => hasRole(role, one))}
      owners={place === ALL ? await ownerChoices(services) : null}
    />,
    c.req.method === 'POST' ? 422 : 200,
  );
}

async function ownerChoices({ db }: Services) {
  const [users, accounts] = [await listUsers(db), await listServiceAccounts(db)];
  return [
    ...accounts.map(({ id, name, role }) => ({
      value: `account:${id}`,
      label: `${name} (service account, ${role})`,
    })),
    ...users.map(({ id, email, role }) => ({ value: `user:${id}`, label: `${email} (${role})` })),
  ];
}

const userOwner = (c: Context<UiEnv>) => `user:${c.get('session').user.id}`;

/** Throws `invalid` for what is none. */
function ownerOf(text: string | undefined): TokenOwner {
  const [kind, id = ''] = (text ?? '').split(':');
  if (kind === 'user') return { userId: id };
  if (kind === 'account') return { serviceAccountId: id };
  throw new AppError('invalid', 'Choose one of the list.', { details: { field: 'owner' } });
}
