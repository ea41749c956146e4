import { type Context, Hono } from 'hono';
import * as z from 'zod';
import type { Question } from '../../../views/parts/dialog.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { questionOfUserLink, type UserLink } from '../../../views/user-links.tsx';
import { NewUserPage, questionOfUser, UserPage, UsersPage } from '../../../views/users.tsx';
import { changePassword } from '../../auth/change-password.ts';
import { leastPassword, newPasswordField } from '../../auth/password-rules.ts';
import { ROLES } from '../../auth/roles.ts';
import { factorOf, usersWithSecondFactor } from '../../auth/second-factor.ts';
import {
  countUsers,
  createUser,
  deleteUser,
  getUser,
  listUsers,
  type User,
  updateUser,
} from '../../auth/users.ts';
import { emailField, line } from '../../fields.ts';
import { hasPassword, listIdentities, unlink, usersWithIdentity } from '../../oidc/identities.ts';
import type { Services } from '../../services-port.ts';
import { listTokens } from '../../tokens/tokens.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { goTo } from './kit/flash.ts';
import { textOf } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const PER_PAGE = 50;
const LONGEST_SEARCH = 200;
const SECRETS = ['password', 'newPassword'];
const details = z.object({ name: line(100).nullable(), role: z.enum(ROLES) });

/** Admin > Users. */
export function userRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  const password = newPasswordField(services.config, 'page');
  const newUser = details.extend({ email: emailField, password });
  const newPassword = z.object({ newPassword: password });
  const least = leastPassword(services.config, 'page');
  const newUserPage = async (c: Context<UiEnv>, form: FormState) => (
    <NewUserPage frame={await frameOf(c, services)} form={form} leastPassword={least} />
  );

  ui.get('/admin/users', only('admin'), async (c) => {
    const page = pageOf(c, PER_PAGE);
    const search = (c.req.query('q') ?? '').slice(0, LONGEST_SEARCH).trim();
    return sendPage(
      c,
      <UsersPage
        frame={await frameOf(c, services)}
        users={await listUsers(services.db, page, search)}
        page={{ ...page, total: await countUsers(services.db, search) }}
        search={search}
        withSecondFactor={await usersWithSecondFactor(services.db)}
        linked={await usersWithIdentity(services.db)}
      />,
    );
  });

  ui.get('/admin/users/new', only('admin'), async (c) =>
    sendPage(c, await newUserPage(c, freshForm({ role: 'viewer' }))),
  );

  ui.post('/admin/users/new', only('admin'), async (c) =>
    submit(c, services, {
      parse: (body) => newUser.safeParse({ ...body, name: textOf(body, 'name') }),
      secrets: SECRETS,
      refuse: async (form) => sendPage(c, await newUserPage(c, form), 422),
      async act(input) {
        await createUser(services, actorOf(c, services), input);
        return { to: '/admin/users', say: 'user-created' };
      },
    }),
  );

  ui.get('/admin/users/:userId', only('admin'), async (c) => {
    const user = await getUser(services.db, c.req.param('userId'));
    return sendUser(c, services, user, {});
  });

  ui.post('/admin/users/:userId', only('admin'), async (c) => {
    const user = await getUser(services.db, c.req.param('userId'));
    return submit(c, services, {
      parse: (body) => details.safeParse({ ...body, name: textOf(body, 'name') }),
      stored: async () => detailsOf(user),
      refuse: (form) => sendUser(c, services, user, { details: form }),
      async act(input) {
        await updateUser(services, actorOf(c, services), user.id, input);
        return { to: '/admin/users', say: 'user-saved' };
      },
    });
  });

  ui.post('/admin/users/:userId/password', only('admin'), async (c) => {
    const user = await getUser(services.db, c.req.param('userId'));
    return submit(c, services, {
      parse: (body) => newPassword.safeParse(body),
      secrets: SECRETS,
      explain(error) {
        // One's own page has no such form.
        if (user.id === c.get('session').user.id) throw error;
        return error;
      },
      refuse: (form) => sendUser(c, services, user, { password: form }),
      async act(input) {
        const { length } = await changePassword(services, actorOf(c, services), user.id, input);
        if (length > 0) return { to: '/admin/users', say: 'password-set-unlinked', count: length };
        return { to: '/admin/users', say: 'password-set' };
      },
    });
  });

  ui.post('/admin/users/:userId/single-sign-on/:identityId/unlink', only('admin'), async (c) => {
    const { userId, identityId } = c.req.param();
    await unlink(services, actorOf(c, services), { userId, identityId });
    return goTo(c, services, `/admin/users/${userId}`, 'sign-on-unlinked');
  });

  ui.post('/admin/users/:userId/delete', only('admin'), async (c) => {
    await deleteUser(services, actorOf(c, services), c.req.param('userId'));
    return goTo(c, services, '/admin/users', 'user-deleted');
  });

  return ui;
}

const detailsOf = ({ name, role }: User) => ({ name: name ?? '', role });

/** The page of one user; with a refused form it says so and answers 422. */
async function sendUser(
  c: Context<UiEnv>,
  services: Services,
  user: User,
  refused: { readonly details?: FormState; readonly password?: FormState },
) {
  const isRefused = refused.details !== undefined || refused.password !== undefined;
  const isSelf = user.id === c.get('session').user.id;
  const ways = {
    hasPassword: await hasPassword(services.db, user.id),
    links: await listIdentities(services.db, user.id),
  };
  return sendPage(
    c,
    <UserPage
      frame={await frameOf(c, services)}
      user={user}
      leastPassword={leastPassword(services.config, 'page')}
      isSelf={isSelf}
      {...ways}
      hasSecondFactor={(await factorOf(services.db, user.id)) !== null}
      details={refused.details ?? editForm(detailsOf(user))}
      password={refused.password ?? freshForm()}
      question={isSelf ? null : await questionOf(c, services, user, ways)}
    />,
    isRefused ? 422 : 200,
  );
}

async function questionOf(
  c: Context<UiEnv>,
  { db }: Services,
  user: User,
  ways: { readonly hasPassword: boolean; readonly links: readonly UserLink[] },
): Promise<Question | null> {
  if (c.req.query('delete') !== undefined) {
    const tokens = await listTokens(db, { ownerUserId: user.id });
    return questionOfUser(
      user,
      tokens.map(({ name }) => name),
    );
  }
  // Without a password the link is the only way in.
  const asked = ways.hasPassword ? ways.links.find(({ id }) => id === c.req.query('unlink')) : undefined;
  return asked === undefined ? null : questionOfUserLink(user.id, asked);
}
