import { Hono } from 'hono';
import { freshForm } from '../../../views/parts/form-state.ts';
import { PolicyPage } from '../../../views/storage-policy.tsx';
import { isAppError } from '../../errors.ts';
import { POLICY_PROVIDERS } from '../../object-stores/policies.ts';
import { providerOf } from '../../object-stores/providers.ts';
import type { Services } from '../../services-port.ts';
import { spacesPolicy } from '../../storage/policy.ts';
import { getSpaces } from '../../storage/storage.ts';
import { failedForm } from './kit/form-failure.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

/** The policy of a key for a provider, buckets and a prefix of the admin's choice. */
export function storagePolicyRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/admin/storage/policy', only('admin'), async (c) => {
    const config = await getSpaces(services);
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
    const form = freshForm(values);
    // Opened from the form of the storage, before any bucket is named: nothing is wrong yet.
    if (values.bucket === '' && bucket === undefined)
      return sendPage(c, <PolicyPage {...props} form={form} policy={null} />);
    try {
      const policy = await spacesPolicy(services.db, values);
      return sendPage(c, <PolicyPage {...props} form={form} policy={policy} />);
    } catch (error) {
      if (!isAppError(error, 'invalid')) throw error;
      return sendPage(c, <PolicyPage {...props} form={failedForm(values, error)} policy={null} />, 422);
    }
  });

  return ui;
}
