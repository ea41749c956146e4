import type { Child } from 'hono/jsx';
import { useAssetUrl } from '../parts/asset-url.ts';
import { useReader } from '../parts/reader.ts';

/**
 * No style of its own and none copied from the old content while the new one settles (the CSP would refuse both); going
 * back loads the page again, from no snapshot; and failed answers leave the page as it is.
 */
const HTMX_CONFIG = JSON.stringify({
  includeIndicatorCSS: false,
  defaultSettleDelay: 0,
  history: 'reload',
  noSwap: [204, 304, '4xx', '5xx'],
  // What somebody has opened or closed stays so in a part that is morphed.
  morphIgnore: ['data-htmx-powered', 'open'],
});

/** The HTML document around every page. Whoever sends it puts `<!doctype html>` before it. */
export function Document({ title, children }: { readonly title: string; readonly children?: Child }) {
  const assetUrl = useAssetUrl();
  const theme = useReader()?.theme ?? 'auto';
  return (
    <html lang="en" data-theme={theme === 'auto' ? undefined : theme}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content={theme === 'auto' ? 'light dark' : theme} />
        <meta name="htmx-config" content={HTMX_CONFIG} />
        <title>{`${title} · BRIDGEPORT Storage`}</title>
        <link rel="icon" href={assetUrl('icon.svg')} type="image/svg+xml" />
        <link rel="stylesheet" href={assetUrl('pico.css')} />
        <link rel="stylesheet" href={assetUrl('app.css')} />
        <script src={assetUrl('htmx.js')} defer />
        <script src={assetUrl('ui.js')} defer />
      </head>
      <body>{children}</body>
    </html>
  );
}
