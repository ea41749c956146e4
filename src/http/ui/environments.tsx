import { type Context, Hono } from 'hono';
import { questionOfEnvironment } from '../../../views/environment-deletion.tsx';
import { EnvironmentSettingsPage } from '../../../views/environment-settings.tsx';
import { type EnvironmentItem, EnvironmentsPage, NewEnvironmentPage } from '../../../views/environments.tsx';
import type { Frame } from '../../../views/frame/frame.ts';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { hasRole } from '../../auth/roles.ts';
import { countStatesByEnvironment, NO_DATABASES } from '../../backups/protection-states.ts';
import { contentsOf } from '../../environments/contents.ts';
import { changeSettings, getSettings } from '../../environments/environment-settings.ts';
import {
  createEnvironment,
  deleteEnvironment,
  environmentsWithDownloads,
  getEnvironment,
  type KeptObjects,
  listEnvironments,
  newEnvironment,
} from '../../environments/environments.ts';
import { makeSshKey, newSshKey, removeAskedSshKey } from '../../environments/made-ssh-key.ts';
import { getSsh, setSsh, sshSettings } from '../../environments/ssh-access.ts';
import type { Page } from '../../page.ts';
import type { Services } from '../../services-port.ts';
import { listStorageAccess } from '../../storage/enabled.ts';
import { keyShown } from './key-shown.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { isTicked, textOf } from './kit/form-body.ts';
import { environmentFrame, frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const PER_PAGE = 50;
const SECRETS = ['sshPrivateKey'];

/** Environments and, under Configuration, the settings of each. */
export function environmentRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/environments', only('viewer'), async (c) => {
    const frame = await frameOf(c, services);
    return sendPage(
      c,
      <EnvironmentsPage frame={frame} {...(await listOf(services, frame, pageOf(c, PER_PAGE)))} />,
    );
  });

  ui.get('/environments/new', only('admin'), async (c) =>
    sendPage(c, <NewEnvironmentPage frame={await frameOf(c, services)} form={freshForm()} />),
  );

  ui.post('/environments/new', only('admin'), async (c) =>
    submit(c, services, {
      parse: (body) => newEnvironment.safeParse({ name: textOf(body, 'name') ?? '' }),
      refuse: async (form) =>
        sendPage(c, <NewEnvironmentPage frame={await frameOf(c, services)} form={form} />, 422),
      async act(input) {
        const { id } = await createEnvironment(services, actorOf(c, services), input);
        return { to: `/environments/${id}/settings`, say: 'environment-created' };
      },
    }),
  );

  ui.post('/environments/:environmentId/delete', only('admin'), async (c) => {
    const id = c.req.param('environmentId');
    const { name } = await getEnvironment(services.db, id);
    return submit(c, services, {
      parse: (body) => ({ success: true, data: body['name'] ?? '' }),
      refuse: ({ message, errors }) =>
        sendSettings(c, services, id, { deletion: message ?? Object.values(errors)[0] ?? '' }),
      async act(typedName) {
        const { keptObjects } = await deleteEnvironment(services, actorOf(c, services), id, { typedName });
        // Said once, here: where the files lie is kept nowhere but in the audit from now on.
        const flash = { tone: 'success', text: `${name} is deleted. ${describeKept(keptObjects)}` } as const;
        const frame = { ...(await frameOf(c, services)), flash };
        const list = await listOf(services, frame, { limit: PER_PAGE, offset: 0 });
        return sendPage(c, <EnvironmentsPage frame={frame} {...list} />);
      },
    });
  });

  ui.get('/environments/:environmentId/settings', only('viewer'), async (c) =>
    sendSettings(c, services, c.req.param('environmentId'), {}),
  );

  ui.post('/environments/:environmentId/settings/ssh', only('admin'), async (c) => {
    const id = c.req.param('environmentId');
    const { configured } = await getSsh(services.db, id);
    return submit(c, services, {
      parse: (body) => {
        const isKept = configured && textOf(body, 'sshPrivateKey') === null;
        const schema = isKept ? userAlone : sshSettings;
        const sshUser = textOf(body, 'sshUser') ?? '';
        return schema.safeParse({ sshPrivateKey: keyOf(body['sshPrivateKey']), sshUser });
      },
      secrets: SECRETS,
      asksAgain: true,
      stored: () => storedSsh(c, services, id),
      refuse: (form) => sendSettings(c, services, id, { ssh: form }),
      async act(input) {
        const { sshUser } = input;
        const actor = actorOf(c, services);
        if ('sshPrivateKey' in input) await setSsh(services, actor, id, sshSettings.parse(input));
        else await changeSettings(services, actor, id, 'general', { sshUser });
        return { to: `/environments/${id}/settings`, say: 'ssh-saved' };
      },
    });
  });

  ui.post('/environments/:environmentId/settings/ssh/make', only('admin'), async (c) => {
    const id = c.req.param('environmentId');
    return submit(c, services, {
      parse: ({ replaces }) => newSshKey.safeParse({ replaces }),
      refuse: (form) => sendSettings(c, services, id, { ssh: form }),
      act: async (input) => {
        await makeSshKey(services, actorOf(c, services), id, input);
        return { to: `/environments/${id}/settings`, say: 'ssh-key-made' };
      },
    });
  });

  ui.post('/environments/:environmentId/settings/ssh/remove', only('admin'), async (c) => {
    const id = c.req.param('environmentId');
    return submit(c, services, {
      parse: nothingToParse,
      refuse: (form) => sendSettings(c, services, id, { ssh: form }),
      async act(_, body) {
        await removeAskedSshKey(services, actorOf(c, services), id, textOf(body, 'removes') ?? '');
        return { to: `/environments/${id}/settings`, say: 'ssh-key-removed' };
      },
    });
  });

  ui.post('/environments/:environmentId/settings/data', only('admin'), async (c) => {
    const id = c.req.param('environmentId');
    return submit(c, services, {
      parse: (body) => ({ success: true, data: isTicked(body, 'allowBackupDownload') }),
      stored: () => storedData(services, id),
      refuse: (form) => sendSettings(c, services, id, { data: form }),
      async act(allowBackupDownload) {
        await changeSettings(services, actorOf(c, services), id, 'data', { allowBackupDownload });
        return { to: `/environments/${id}/settings`, say: 'data-saved' };
      },
    });
  });

  return ui;
}

/** Where the key stays as it is. */
const userAlone = sshSettings.omit({ sshPrivateKey: true });

/** A page of the environments. The frame of each page has all of their names: they are counted there. */
async function listOf(services: Services, { environments }: Pick<Frame, 'environments'>, page: Page) {
  return {
    environments: await itemsOf(services, page),
    page: { ...page, total: environments.length },
  };
}

/** Environments with what is in them, and how safe that is. */
async function itemsOf(services: Services, page: Page): Promise<readonly EnvironmentItem[]> {
  const states = await countStatesByEnvironment(services);
  const mayUse = new Map((await listStorageAccess(services.db)).map(({ id, isEnabled }) => [id, isEnabled]));
  const downloads = await environmentsWithDownloads(services.db);
  return (await listEnvironments(services.db, page)).map(({ id, name, createdAt, counts }) => ({
    ...{ id, name, createdAt, servers: counts.servers },
    databases: states.get(id) ?? NO_DATABASES,
    mayUseStorage: mayUse.get(id) === true,
    mayDownload: downloads.has(id),
  }));
}

async function sendSettings(
  c: Context<UiEnv>,
  services: Services,
  id: string,
  refused: { readonly ssh?: FormState; readonly data?: FormState; readonly deletion?: string },
) {
  const { frame, environment } = await environmentFrame(c, services, id);
  const { configured, sshUser } = await getSsh(services.db, id);
  const ssh = editForm({ sshUser }, await storedSsh(c, services, id));
  const data = await storedData(services, id);
  const isRefused = Object.values(refused).some((each) => each !== undefined);
  const asksToDelete = c.req.query('delete') !== undefined && hasRole(c.get('session').user.role, 'admin');
  return sendPage(
    c,
    <EnvironmentSettingsPage
      frame={frame}
      settings={{
        ...{ environment, sshKeyConfigured: configured, sshUser },
        allowBackupDownload: data.allowBackupDownload === 'true',
        key: await keyShown(c, services, id),
      }}
      ssh={refused.ssh === undefined ? ssh : withUser(refused.ssh, ssh)}
      data={refused.data ?? editForm(data)}
      question={
        asksToDelete || refused.deletion !== undefined
          ? questionOfEnvironment(environment, await contentsOf(services.db, id), refused.deletion ?? null)
          : null
      }
    />,
    isRefused ? 422 : 200,
  );
}

/** A form that has nothing but a button sends neither the user along nor what was seen. */
function withUser(form: FormState, ssh: FormState): FormState {
  return { ...ssh, ...form, values: { ...ssh.values, ...form.values } };
}

/** Whom the app signs in as, and by which key: of that its public half. */
async function storedSsh(c: Context<UiEnv>, services: Services, id: string) {
  const { sshUser } = await getSsh(services.db, id);
  const { key, problem } = await keyShown(c, services, id);
  return { sshUser, key: key?.fingerprint ?? problem ?? '' };
}

async function storedData({ db }: Services, id: string) {
  const { allowBackupDownload } = await getSettings(db, id, 'data');
  return { allowBackupDownload: String(allowBackupDownload === true) };
}

/** A browser ends the lines of a textarea with CR LF, which OpenSSH's key format does not take; it wants an end of line. */
function keyOf(typed: string | undefined): string {
  const text = (typed ?? '').replaceAll('\r\n', '\n').trim();
  return text === '' ? '' : `${text}\n`;
}

function describeKept(kept: readonly KeptObjects[]): string {
  if (kept.length === 0) return 'It had no stored backups.';
  const places = kept.map(({ endpoint, bucket, count }) =>
    bucket === '' ? `${count} on ${endpoint}` : `${count} in bucket ${bucket} at ${endpoint}`,
  );
  return `Its stored backups stay: ${places.join('; ')}.`;
}
