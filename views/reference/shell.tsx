import type { Child } from 'hono/jsx';
import { Document } from '../frame/document.tsx';
import type { Frame } from '../frame/frame.ts';
import { type Crumb, Page } from '../frame/page.tsx';

/** Around a page of the reference: the frame of somebody who is signed in, else no more than the way to sign in. */
export function ReferenceShell(props: {
  readonly frame: Frame | null;
  readonly title: string;
  readonly back?: Crumb;
  readonly within?: string;
  readonly children?: Child;
}) {
  const { frame, title, back, within } = props;
  if (frame !== null) {
    return (
      <Page frame={frame} section="api" title={title} {...(back && { back })} {...(within && { within })}>
        <div class="reference">{props.children}</div>
      </Page>
    );
  }
  return (
    <Document title={title}>
      <a class="skip-link" href="#content">
        Skip to content
      </a>
      <main id="content" class="reference reference-alone" tabindex={-1}>
        <p class="brand">
          <a href="/">
            BRIDGEPORT <span>Storage</span>
          </a>
        </p>
        {back !== undefined && (
          <p class="back">
            <a href={back.href}>{back.label}</a>
            {within !== undefined && ` / ${within}`}
          </p>
        )}
        <h1>{title}</h1>
        {props.children}
      </main>
    </Document>
  );
}
