import { type Context, Hono } from 'hono';
import type { FormState } from '../../../views/parts/form-state.ts';
import { samePage } from '../../../views/parts/pager.tsx';
import { TestOutcome } from '../../../views/parts/try-connection.tsx';
import { BucketList } from '../../../views/storage-buckets.tsx';
import { DerivedEndpoint } from '../../../views/storage-endpoint.tsx';
import { StorageFormPage } from '../../../views/storage-form.tsx';
import type { Actor } from '../../audit/audit.ts';
import { type InputIssue, isAppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { listStorageAccess, setStorageEnabled } from '../../storage/enabled.ts';
import { saveStorage } from '../../storage/save-storage.ts';
import { deleteStorage, getStorage, type StorageInput } from '../../storage/storage.ts';
import type { StorageTest } from '../../storage/tried.ts';
import { actorOf } from './kit/actor.ts';
import { type FlashKey, goTo } from './kit/flash.ts';
import { type FormBody, isTicked, readForm, readValues } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import { besideFields, nothingToParse, type Parsed, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { readPasted } from './pasted-endpoint.ts';
import {
  bucketNamesIn,
  chosenProvider,
  filledFor,
  isForAnother,
  parseStorage,
  type RefusedStorage,
  regionField,
  shownEndpoint,
  storageFormOf,
  storedValues,
  type WithStorage,
} from './storage-form.ts';
import { bucketList, NOT_ASKED, sendStorage } from './storage-page.tsx';
import { storagePolicyRoutes } from './storage-policy.tsx';
import { shownTest, tryStorageForPage } from './try-storage.ts';

const SECRETS = ['secretKey', 'sessionToken'];

/** Admin > Storage. */
export function storageRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/admin/storage', only('admin'), async (c) => {
    const asked = c.req.query('buckets');
    if (asked === undefined) return sendStorage(c, services);
    const options = { refresh: asked === 'refresh', signal: c.req.raw.signal };
    return sendStorage(c, services, { buckets: await bucketList(services, options) });
  });

  ui.get('/admin/storage/buckets', only('admin'), async (c) => {
    const options = { refresh: c.req.query('refresh') === 'true', signal: c.req.raw.signal };
    return sendFragment(c, <BucketList {...(await bucketList(services, options))} />);
  });

  ui.get('/admin/storage/edit', only('admin'), async (c) => sendForm(c, services, null));

  ui.get('/admin/storage/edit/endpoint', only('admin'), async (c) => {
    const { provider, ...body } = c.req.query();
    return sendFragment(
      c,
      <DerivedEndpoint endpoint={shownEndpoint(chosenProvider(provider, null), body)} />,
    );
  });

  ui.post('/admin/storage/edit', only('admin'), async (c) => {
    const isFilling = c.req.query('do') !== undefined;
    return submit(c, services, {
      parse: (body): Parsed<StorageInput | null> =>
        isFilling || isForAnother(body)
          ? nothingToParse()
          : besideFields(parseStorage(body), (issue) => onTheForm(body, issue)),
      secrets: SECRETS,
      // A script leaves them where they are.
      asksAgain: c.req.header('hx-request') !== 'true',
      stored: isFilling ? undefined : async () => storedValues(await getStorage(services)),
      refuse: (form) => sendForm(c, services, { form, failedTest: null }),
      async act(input, body, sent) {
        if (input === null) return sendFilled(c, services, body, sent);
        const wish = { by: 'page', saveAnyway: isTicked(body, 'saveAnyway') } as const;
        const saved = await saveStorage(services, actorOf(c, services), input, wish, c.req.raw.signal);
        if (saved.kind === 'refused') {
          return sendForm(c, services, { form: sent, failedTest: shownTest(saved.test) });
        }
        for (const id of await readValues(c, 'enable')) {
          await enableUnlessGone(services, actorOf(c, services), id);
        }
        // What was saved untried is tried next, where that can be done.
        const to = body['next'] === HOME && saved.test !== null ? HOME : '/admin/storage';
        return { to, say: savedNotice(saved.test) };
      },
    });
  });

  ui.post('/admin/storage/test', only('admin'), async (c) => {
    actorOf(c, services);
    return sendStorage(c, services, { test: await tryStorageForPage(services, c.req.raw.signal) });
  });

  ui.post('/admin/storage/test/result', only('admin'), async (c) => {
    actorOf(c, services);
    const body = await readForm(c);
    const result = await tryStorageForPage(services, c.req.raw.signal);
    return sendFragment(
      c,
      <>
        <TestOutcome result={result} />
        {!result.success && isTicked(body, 'listFails') && <BucketList {...NOT_ASKED} isToldBelow />}
      </>,
    );
  });

  ui.post('/admin/storage/delete', only('admin'), async (c) => {
    await deleteStorage(services, actorOf(c, services));
    return goTo(c, services, '/admin/storage', 'storage-deleted');
  });

  ui.post('/admin/storage/environments/:environmentId', only('admin'), async (c) => {
    const body = await readForm(c);
    const enabled = isTicked(body, 'enabled');
    const [, offset = '0'] = /^(\d{1,9})$/.exec(body['offset'] ?? '') ?? [];
    const to = body['next'] === HOME ? HOME : samePage('/admin/storage', { offset: Number(offset) });
    await setStorageEnabled(services, actorOf(c, services), c.req.param('environmentId'), enabled);
    return goTo(c, services, to, enabled ? 'storage-enabled' : 'storage-disabled');
  });

  ui.route('/', storagePolicyRoutes(services));
  return ui;
}

/** The storage is saved by then: an environment that somebody has deleted meanwhile is left out. */
async function enableUnlessGone(services: Services, actor: Actor, environmentId: string): Promise<void> {
  try {
    await setStorageEnabled(services, actor, environmentId, true);
  } catch (error) {
    if (!isAppError(error, 'not_found')) throw error;
  }
}

/** The form of the configuration; with one that came back it says what is wrong. */
async function sendForm(
  c: Context<UiEnv>,
  services: Services,
  refused: RefusedStorage | null,
  status: 200 | 422 = refused === null ? 200 : 422,
) {
  const config = await getStorage(services);
  const around = await withStorage(c, services, refused);
  const asked = refused?.form.values['provider'] ?? c.req.query('provider');
  const provider = around.pasted?.provider ?? chosenProvider(asked, config);
  return sendPage(
    c,
    <StorageFormPage
      frame={await frameOf(c, services)}
      {...storageFormOf(provider, config, around, refused)}
    />,
    status,
  );
}

/** The form for the provider that was chosen, or whose address was pasted, with what was typed and ticked before. */
async function sendFilled(c: Context<UiEnv>, services: Services, typed: FormBody, sent: FormState) {
  const config = await getStorage(services);
  const isPaste = c.req.query('do') === 'paste';
  const pasted = isPaste ? readPasted(typed['pasted']) : null;
  const asked = typed[isPaste ? 'shownProvider' : 'provider'];
  const provider = pasted?.provider ?? chosenProvider(asked, config);
  const values = filledFor(provider, config, sent.values, pasted);
  return sendForm(c, services, { form: { ...sent, values }, failedTest: null }, 200);
}

/** The checklist is there. */
const HOME = '/';
/** More are let use it on the page of the storage. */
const MOST_OFFERED = 20;

/** The environments that are offered; the only one is ticked already, and what was ticked in a form that came back. */
async function withStorage(
  c: Context<UiEnv>,
  services: Services,
  refused: RefusedStorage | null = null,
): Promise<WithStorage> {
  const all = await listStorageAccess(services.db);
  const ticked = refused === null ? null : await readValues(c, 'enable');
  const offered = all.filter(({ isEnabled }) => !isEnabled).slice(0, MOST_OFFERED);
  const next = refused === null ? c.req.query('next') : refused.form.values['next'];
  return {
    environments: offered.map(({ id, name }) => ({
      ...{ id, name },
      isTicked: ticked === null ? all.length === 1 : ticked.includes(id),
    })),
    ...(next === HOME ? { next } : {}),
    pasted: (refused === null ? readPasted(c.req.query('pasted')) : null) ?? undefined,
  };
}

function savedNotice(test: StorageTest | null): FlashKey {
  if (test === null) return 'storage-saved';
  return (test.failedBuckets ?? []).length > 0 ? 'storage-replaced-partly' : 'storage-replaced';
}

/**
 * What is wrong, beside the field that it was typed into: one text area holds all the names of buckets, so that the
 * message names the wrong one; a region that the list lacks has a field of its own.
 */
function onTheForm(body: FormBody, issue: InputIssue): InputIssue {
  const [field, index] = issue.path;
  if (field === 'region') return { ...issue, path: [regionField(body)] };
  if (field !== 'buckets' || typeof index !== 'number') return issue;
  return { ...issue, path: ['buckets'], message: `${bucketNamesIn(body)[index]}: ${issue.message}` };
}
