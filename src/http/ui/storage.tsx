import { type Context, Hono } from 'hono';
import { TestOutcome, type TestResult } from '../../../views/connection-test.tsx';
import type { FormState } from '../../../views/form-state.ts';
import { StoragePage } from '../../../views/storage.tsx';
import { StorageForm, StorageFormPage } from '../../../views/storage-form.tsx';
import { saveSpaces } from '../../catalog/save-spaces.ts';
import { deleteSpaces, getSpaces } from '../../catalog/spaces.ts';
import { listSpacesEnvironments, setSpacesEnvironment } from '../../catalog/spaces-environments.ts';
import { probeAgain } from '../../catalog/spaces-probe.ts';
import type { Services } from '../../services-port.ts';
import { providerOf } from '../../storage/providers.ts';
import { actorOf } from './actor.ts';
import { readForm } from './form-body.ts';
import { failedForm, refusedForm } from './form-failure.ts';
import { frameOf } from './frame.ts';
import { listLeftovers } from './leftovers.ts';
import { withNotice } from './notices.ts';
import { only } from './roles.ts';
import { sendFragment, sendPage } from './send.ts';
import { chosenProvider, parseStorage, storageFormOf } from './storage-form.ts';
import { capabilityCard } from './storage-probe.tsx';
import { testStorage } from './test-connections.ts';
import type { UiEnv } from './ui-env.ts';

const SECRETS = ['secretKey'];

/** Admin > Storage. */
export function storageRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/admin/storage', only('admin'), async (c) => sendStorage(c, services, null));

  ui.get('/admin/storage/edit', only('admin'), async (c) => sendForm(c, services, null));

  ui.get('/admin/storage/edit/form', only('admin'), async (c) => {
    const config = await getSpaces(services);
    return sendFragment(
      c,
      <StorageForm {...storageFormOf(chosenProvider(c.req.query('provider'), config), config)} />,
    );
  });

  ui.post('/admin/storage/edit', only('admin'), async (c) => {
    const body = await readForm(c);
    const parsed = parseStorage(body);
    if (!parsed.success)
      return sendForm(c, services, refusedForm(body, bucketsAsOne(parsed.error.issues), SECRETS));
    try {
      await saveSpaces(services, actorOf(c, services), parsed.data);
      await probeAgain(services);
    } catch (error) {
      return sendForm(c, services, failedForm(body, error, SECRETS));
    }
    return c.redirect(withNotice('/admin/storage', 'storage-saved'), 303);
  });

  ui.post('/admin/storage/test', only('admin'), async (c) =>
    sendStorage(c, services, await testStorage(services, c.req.raw.signal)),
  );

  ui.post('/admin/storage/test/result', only('admin'), async (c) =>
    sendFragment(c, <TestOutcome result={await testStorage(services, c.req.raw.signal)} />),
  );

  ui.post('/admin/storage/delete', only('admin'), async (c) => {
    await deleteSpaces(services, actorOf(c, services));
    return c.redirect(withNotice('/admin/storage', 'storage-deleted'), 303);
  });

  ui.post('/admin/storage/environments/:environmentId', only('admin'), async (c) => {
    const enabled = (await readForm(c))['enabled'] === 'true';
    await setSpacesEnvironment(services, actorOf(c, services), c.req.param('environmentId'), enabled);
    return c.redirect(withNotice('/admin/storage', enabled ? 'storage-enabled' : 'storage-disabled'), 303);
  });

  return ui;
}

async function sendStorage(c: Context<UiEnv>, services: Services, test: TestResult | null) {
  const config = await getSpaces(services);
  return sendPage(
    c,
    <StoragePage
      frame={await frameOf(c, services)}
      storage={config === null ? null : { ...config, providerName: providerOf(config.endpoint).name }}
      environments={await listSpacesEnvironments(services.db)}
      leftovers={await listLeftovers(services.db)}
      test={test}
      capabilities={await capabilityCard(services)}
    />,
  );
}

/** The form of the configuration; with a refused one it says so and answers 422. */
async function sendForm(c: Context<UiEnv>, services: Services, refused: FormState | null) {
  const config = await getSpaces(services);
  const provider = chosenProvider(refused?.values['provider'] ?? c.req.query('provider'), config);
  const shown = storageFormOf(provider, config);
  return sendPage(
    c,
    <StorageFormPage frame={await frameOf(c, services)} {...shown} form={refused ?? shown.form} />,
    refused === null ? 200 : 422,
  );
}

/** One text area holds all the names: what is wrong with one of them is said beside it. */
function bucketsAsOne<Issue extends { readonly path: readonly PropertyKey[] }>(issues: readonly Issue[]) {
  return issues.map((issue) => (issue.path[0] === 'buckets' ? { ...issue, path: ['buckets'] } : issue));
}
