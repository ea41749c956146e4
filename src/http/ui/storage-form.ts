import type { FormState } from '../../../views/parts/form-state.ts';
import type { TestResult } from '../../../views/parts/try-connection.tsx';
import type { StorageFormProps } from '../../../views/storage-form.tsx';
import type { OfferedEnvironment } from '../../../views/storage-may-use.tsx';
import type { ProviderForm } from '../../../views/storage-provider.tsx';
import {
  DEFAULT_PROVIDER,
  isRegion,
  PROVIDERS,
  type Provider,
  providerOf,
} from '../../object-stores/providers.ts';
import { type StorageConfig, storageInput } from '../../storage/storage.ts';
import { editForm } from './kit/edit-form.ts';
import { type FormBody, isTicked, textOf } from './kit/form-body.ts';
import type { PastedEndpoint } from './pasted-endpoint.ts';

/** The provider of that id, else the configured one, else the usual one. */
export function chosenProvider(id: string | undefined, config: StorageConfig | null): Provider {
  const known = PROVIDERS.find((provider) => provider.id === id);
  if (known !== undefined) return known;
  return config === null ? DEFAULT_PROVIDER : providerOf(config.endpoint);
}

/** A form that came back: what was wrong with its fields, or what the storage said. */
export interface RefusedStorage {
  readonly form: FormState;
  readonly failedTest: TestResult | null;
}

/** What goes with the form: the environments that are let use the storage by the same button, and where it leads then. */
export interface WithStorage {
  readonly environments: readonly OfferedEnvironment[];
  readonly next?: string | undefined;
  readonly pasted?: PastedEndpoint | undefined;
}

/** The form for this provider, filled from the configuration where that is the same provider's. */
export function storageFormOf(
  provider: Provider,
  config: StorageConfig | null,
  { environments, next, pasted }: WithStorage,
  refused: RefusedStorage | null = null,
): StorageFormProps {
  const form =
    refused?.form ??
    editForm(
      {
        accessKey: config?.accessKey ?? '',
        ...usualPlace(provider, config),
        buckets: (config?.buckets ?? []).join('\n'),
        encryption: config?.encryption ?? 'none',
        encryptionKeyId: config?.encryptionKeyId ?? '',
        ...(pasted === undefined ? {} : pastedValues(provider, pasted)),
      },
      storedValues(config),
    );
  return {
    providers: PROVIDERS.map(({ id, name }) => ({ value: id, label: name })),
    provider: toProviderForm(provider),
    form,
    endpoint: shownEndpoint(provider, form.values),
    isConfigured: config !== null,
    hasSessionToken: config?.hasSessionToken === true,
    failedTest: refused?.failedTest ?? null,
    environments,
    ...(next === undefined ? {} : { next }),
    ...(pasted === undefined ? {} : { pasted: pasted.typed }),
  };
}

/** True for a form whose fields are another provider's than the one that is chosen in it. */
export function isForAnother({ shownProvider, provider }: FormBody): boolean {
  return shownProvider !== undefined && provider !== shownProvider;
}

/**
 * What was typed, for this provider: what both ask for stays. A region of the one is seldom one of the other; an endpoint that was typed
 * waits for a provider that asks for one.
 */
export function filledFor(
  provider: Provider,
  config: StorageConfig | null,
  typed: FormBody,
  pasted: PastedEndpoint | null,
): FormBody {
  const before = chosenProvider(typed['shownProvider'] ?? typed['provider'], null);
  const added = pasted === null ? {} : pastedValues(provider, pasted);
  const named = { ...typed, provider: provider.id };
  if (before.id === provider.id) return { ...named, ...added };
  const usual = usualPlace(provider, config);
  const region = regionIn(typed);
  const isChosen = region !== '' && region !== before.defaultRegion;
  const isKnown = provider.regions.length === 0 || provider.regions.some(({ code }) => code === region);
  const isOwn = asks(before) === 'endpoint' && !isFixed(before);
  const typedEndpoint = textOf(typed, isOwn ? 'endpoint' : 'typedEndpoint');
  const takesIt = asks(provider) === 'endpoint' && !isFixed(provider);
  return {
    ...named,
    region: isChosen && isKnown ? region : usual.region,
    newRegion: '',
    endpoint: (takesIt ? typedEndpoint : null) ?? usual.endpoint,
    ...(typedEndpoint === null ? {} : { typedEndpoint }),
    ...added,
  };
}

/** Where the storage of that provider is before anybody has typed: as it is configured, or as most have it. */
function usualPlace(provider: Provider, config: StorageConfig | null) {
  const isSame = config !== null && providerOf(config.endpoint).id === provider.id;
  if (isSame) return { region: config.region, endpoint: config.endpoint };
  return { region: provider.defaultRegion, endpoint: isFixed(provider) ? provider.endpointPattern : '' };
}

/** What a pasted endpoint fills in. */
function pastedValues(provider: Provider, { host, region, bucket }: PastedEndpoint): FormBody {
  // Of a host that names none somebody has to choose it.
  const isUnknown = region === null && provider.endpointPattern.includes('{region}');
  const isListed = provider.regions.length === 0 || provider.regions.some(({ code }) => code === region);
  return {
    endpoint: host,
    ...(isUnknown ? { region: '' } : {}),
    ...(region === null ? {} : isListed ? { region } : { newRegion: region }),
    ...(bucket === null ? {} : { buckets: bucket }),
  };
}

/** What the form of the configuration is about, whichever provider it is shown for. */
export function storedValues(config: StorageConfig | null) {
  return {
    accessKey: config?.accessKey ?? '',
    place: [config?.endpoint, config?.region, ...(config?.buckets ?? [])].join('\n'),
    encryption: [config?.encryption, config?.encryptionKeyId].join('\n'),
  };
}

/** The posted form, parsed by the catalog's schema. */
export function parseStorage(body: FormBody) {
  return storageInput.safeParse({
    accessKey: textOf(body, 'accessKey') ?? '',
    secretKey: textOf(body, 'secretKey'),
    region: regionIn(body),
    endpoint: endpointIn(chosenProvider(body['provider'], null), body),
    buckets: bucketNamesIn(body),
    sessionToken: isTicked(body, 'clearSessionToken') ? null : (textOf(body, 'sessionToken') ?? undefined),
    // A form of an earlier version, still open in a browser, has neither.
    encryption: body['encryption'],
    encryptionKeyId: body['encryption'] === 'aws:kms' ? body['encryptionKeyId'] : undefined,
  });
}

/** The names in the text area of the buckets, in order. */
export function bucketNamesIn(body: FormBody): readonly string[] {
  return (body['buckets'] ?? '').split(/[\s,]+/).filter((name) => name !== '');
}

/** What the form shows as the endpoint; of a region that can't be one, only the pattern. */
export function shownEndpoint(provider: Provider, body: FormBody): string {
  const isUsable = asks(provider) !== 'region' || isRegion(regionIn(body).toLowerCase());
  return isUsable ? endpointIn(provider, body) : provider.endpointPattern.replace('{region}', '<region>');
}

/** The endpoint that the form means. */
function endpointIn(provider: Provider, body: FormBody): string {
  const derived = provider.endpointPattern.replace('{region}', regionIn(body).toLowerCase());
  if (asks(provider) === 'region') return derived;
  const typed = textOf(body, 'endpoint') ?? provider.endpointPattern;
  const isAccount = asks(provider) === 'account' && /^[A-Za-z0-9-]+$/.test(typed);
  return isAccount ? derived.replace('{account}', typed.toLowerCase()) : typed;
}

/** A code that was typed because the list lacks it, else the chosen one. */
function regionIn(body: FormBody): string {
  return textOf(body, regionField(body)) ?? '';
}

/** The field that the region was entered into. */
export function regionField(body: FormBody): 'newRegion' | 'region' {
  return textOf(body, 'newRegion') === null ? 'region' : 'newRegion';
}

function toProviderForm(provider: Provider): ProviderForm {
  const endpointExample = provider.endpointPattern.replace(
    '{account}',
    asks(provider) === 'account' ? '<account id>' : 'a1b2.ldn',
  );
  return {
    id: provider.id,
    name: provider.name,
    regions: provider.regions.map(({ code, location }) => ({ value: code, label: `${code} (${location})` })),
    asks: asks(provider),
    endpointExample,
    addressExample: endpointExample.replace('{region}', provider.defaultRegion),
    note: provider.note,
    encryptionHelp:
      provider.encryption.length === 0
        ? `${provider.name} is not known to take any: leave it as it is, unless the bucket demands one.`
        : `${provider.name} takes ${provider.encryption.join(' and ')}. Only needed where the policy of the bucket demands it.`,
    bucketsHelp: provider.adminsListBuckets ? ADMINS_BUCKETS : BUCKETS,
  };
}

const BUCKETS =
  'One per line, for a key that is limited to certain buckets. Leave it empty if the key has full API access: its buckets are then discovered.';
const ADMINS_BUCKETS =
  'One per line. A token that is limited to buckets may not list them, so they must be named here. Leave it empty only for a token with admin rights.';

/** Only R2's host is made of nothing but the id of the account: IDrive's has labels that only its console tells. */
function asks({ hostIsAccount, endpointPattern }: Provider): ProviderForm['asks'] {
  if (endpointPattern.includes('{account}')) return hostIsAccount ? 'account' : 'endpoint';
  return endpointPattern.includes('{region}') ? 'region' : 'endpoint';
}

/** True when there is one endpoint for everybody; the examples of example.com are none. */
function isFixed({ endpointPattern }: Provider): boolean {
  return !endpointPattern.includes('{') && !endpointPattern.endsWith('example.com');
}
