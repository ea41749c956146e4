import type { Context } from 'hono';
import type { Watching } from '../../../views/system/watching.tsx';
import { scrapeConfig, TOKEN_FILE } from '../../metrics/scrape-config.ts';
import type { Services } from '../../services-port.ts';
import { readSettings } from '../../settings/settings.ts';
import { metricsTokens } from '../../tokens/metrics-tokens.ts';
import type { Readiness } from '../readiness.ts';
import { isHttps } from '../request-address.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** Tokens that are shown; nobody reads the metrics by more. */
const MOST_TOKENS = 10;

/** What machines see of the app, for an admin. */
export async function watchingOf(
  c: Context<UiEnv>,
  services: Services,
  readiness: () => Promise<Readiness>,
): Promise<Watching> {
  const tokens = await metricsTokens(services.db, services.now(), MOST_TOKENS + 1);
  return {
    ready: await readiness(),
    hasVariable: services.config.metricsToken !== null,
    tokens: tokens.slice(0, MOST_TOKENS),
    hasMore: tokens.length > MOST_TOKENS,
    scrapeConfig: scrapeConfig(await addressOf(c, services)),
    tokenFile: TOKEN_FILE,
  };
}

/** Where the app is found: as it was told, else as this page was asked for. */
async function addressOf(c: Context<UiEnv>, services: Services): Promise<Pick<URL, 'protocol' | 'host'>> {
  const told = services.config.publicUrl ?? (await readSettings(services.db)).publicUrl;
  if (told !== null && URL.canParse(told)) return new URL(told);
  return { protocol: isHttps(c, services) ? 'https:' : 'http:', host: new URL(c.req.url).host };
}
