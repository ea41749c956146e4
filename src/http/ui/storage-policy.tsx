import { Hono } from 'hono';
import { freshForm } from '../../../views/parts/form-state.ts';
import { PolicyPage } from '../../../views/storage-policy.tsx';
import { POLICY_PROVIDERS } from '../../object-stores/policies.ts';
import { providerOf } from '../../object-stores/providers.ts';
import type { Services } from '../../services-port.ts';
import { storagePolicy } from '../../storage/policy.ts';
import { getStorage } from '../../storage/storage.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** The policy of a key for a provider, buckets and a prefix of the admin's choice. */
export function storagePolicyRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/admin/storage/policy', only('admin'), async (c) => {
    const config = await getStorage(services);
    const { bucket, prefix = '', provider } = c.req.query();
    const values = {
      provider: provider ?? (config === null ? '' : providerOf(config.endpoint).id),
      bucket: bucket ?? (config?.buckets ?? []).join(', '),
      prefix,
    };
    const props = {
      frame: await frameOf(c, services),
      providers: POLICY_PROVIDERS.map(({ id, name }) => ({ value: id, label: name })),
    };
    return submit(c, services, {
      parse: nothingToParse,
      refuse: (form) => sendPage(c, <PolicyPage {...props} form={{ ...form, values }} policy={null} />, 422),
      async act() {
        // Opened from the form of the storage, before any bucket is named: nothing is wrong yet.
        const isAsked = values.bucket !== '' || bucket !== undefined;
        const policy = isAsked ? await storagePolicy(services.db, values) : null;
        return sendPage(c, <PolicyPage {...props} form={freshForm(values)} policy={policy} />);
      },
    });
  });

  return ui;
}
