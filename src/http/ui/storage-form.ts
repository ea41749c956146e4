import { freshForm } from '../../../views/form-state.ts';
import type { StorageFormProps } from '../../../views/storage-form.tsx';
import { type SpacesConfig, spacesInput } from '../../catalog/spaces.ts';
import { PROVIDERS, type Provider, providerOf } from '../../storage/providers.ts';
import { type FormBody, textOf } from './form-body.ts';

/** The provider of that id, else the configured one, else the first of the table. */
export function chosenProvider(id: string | undefined, config: SpacesConfig | null): Provider {
  const known = PROVIDERS.find((provider) => provider.id === id);
  if (known !== undefined) return known;
  return providerOf(config?.endpoint ?? 'fra1.digitaloceanspaces.com');
}

/** The form for this provider, filled from the configuration where that is the same provider's. */
export function storageFormOf(provider: Provider, config: SpacesConfig | null): StorageFormProps {
  const isSame = config !== null && providerOf(config.endpoint).id === provider.id;
  const example = provider.endpointPattern.replace('{account}', '<account id>');
  const fixed = isFixed(provider) ? provider.endpointPattern : '';
  return {
    providers: PROVIDERS.map(({ id, name }) => ({ value: id, label: name })),
    provider: {
      id: provider.id,
      name: provider.name,
      regions: provider.regions.map(({ code, location }) => ({
        value: code,
        label: `${code} (${location})`,
      })),
      asksEndpoint: !isDerived(provider),
      endpointExample: example,
      note: provider.note,
    },
    form: freshForm({
      accessKey: config?.accessKey ?? '',
      region: isSame ? config.region : provider.defaultRegion,
      endpoint: isSame ? config.endpoint : fixed,
      buckets: (config?.buckets ?? []).join('\n'),
    }),
    isConfigured: config !== null,
  };
}

/** The posted form, parsed by the catalog's schema. */
export function parseStorage(body: FormBody) {
  const provider = chosenProvider(body['provider'], null);
  const region = textOf(body, 'region') ?? '';
  return spacesInput.safeParse({
    accessKey: textOf(body, 'accessKey') ?? '',
    secretKey: textOf(body, 'secretKey'),
    region,
    endpoint: isDerived(provider)
      ? provider.endpointPattern.replace('{region}', region.toLowerCase())
      : (textOf(body, 'endpoint') ?? provider.endpointPattern),
    buckets: (body['buckets'] ?? '').split(/[\s,]+/).filter((name) => name !== ''),
  });
}

/** True when the endpoint is made of the region alone. */
function isDerived({ endpointPattern }: Provider): boolean {
  return endpointPattern.includes('{region}') && !endpointPattern.includes('{account}');
}

/** True when there is one endpoint for everybody; the examples of example.com are none. */
function isFixed({ endpointPattern }: Provider): boolean {
  return !endpointPattern.includes('{') && !endpointPattern.endsWith('example.com');
}
