import type { Child } from 'hono/jsx';
import { PostButton } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { Document } from './document.tsx';
import type { Frame, Section } from './frame.ts';
import { Sidebar } from './sidebar.tsx';

/** A whole page: skip link, sidebar, heading with its buttons, content. */
export function Page(props: {
  readonly frame: Frame;
  readonly section: Section | null;
  readonly title: string;
  readonly back?: { readonly href: string; readonly label: string };
  readonly actions?: Child;
  readonly children?: Child;
}) {
  const { frame } = props;
  return (
    <Document title={props.title}>
      <a class="skip-link" href="#content">
        Skip to content
      </a>
      <div class="shell">
        <header class="topbar">
          <a class="brand" href="/">
            BRIDGEPORT <span>Storage</span>
          </a>
          <button type="button" class="menu-button secondary outline" popovertarget="menu">
            Menu
          </button>
        </header>
        <Sidebar frame={frame} section={props.section} />
        <main id="content" tabindex={-1}>
          {frame.masterKeyUnconfirmed && <MasterKeyBanner />}
          {frame.notice !== null && <Notice tone={frame.notice.tone}>{frame.notice.text}</Notice>}
          {props.back !== undefined && (
            <p class="back">
              <a href={props.back.href}>← {props.back.label}</a>
            </p>
          )}
          <div class="heading">
            <h1>{props.title}</h1>
            {props.actions !== undefined && <div class="actions">{props.actions}</div>}
          </div>
          {props.children}
        </main>
      </div>
    </Document>
  );
}

function MasterKeyBanner() {
  return (
    <Notice tone="warning">
      <p>
        <strong>Keep a copy of the master key.</strong> It was generated at the first start, in the file{' '}
        <code>master.key</code> of the data directory. Without it, no stored secret can be read again. Copy it
        to a safe place that is not this machine.
      </p>
      <PostButton action="/admin/master-key/confirm" label="I have copied it" />
    </Notice>
  );
}
