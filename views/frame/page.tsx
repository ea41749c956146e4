import type { Child } from 'hono/jsx';
import { Notice } from '../parts/notice.tsx';
import { ChosenEnvironment } from './chosen-environment.tsx';
import { Document } from './document.tsx';
import type { Frame, Section } from './frame.ts';
import { Sidebar } from './sidebar.tsx';

export interface Crumb {
  readonly href: string;
  readonly label: string;
}

/** A whole page: skip link, sidebar, way back, heading with its state and its buttons, content. */
export function Page(props: {
  readonly frame: Frame;
  readonly section: Section | null;
  readonly title: string;
  /** One step up. */
  readonly back?: Crumb;
  /** What stands behind the way back without being a link, such as the environment of a database. */
  readonly within?: string;
  /** A badge beside the heading. */
  readonly state?: Child;
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
          <div id="flash">
            {frame.flash !== null && <Notice tone={frame.flash.tone}>{frame.flash.text}</Notice>}
          </div>
          {props.back !== undefined && (
            <p class="back">
              <a href={props.back.href}>{props.back.label}</a>
              {props.within !== undefined && ` / ${props.within}`}
            </p>
          )}
          <div class="heading">
            <h1>{props.title}</h1>
            {props.state}
            {props.actions !== undefined && <div class="actions">{props.actions}</div>}
          </div>
          <ChosenEnvironment frame={frame} section={props.section} />
          {props.children}
        </main>
      </div>
    </Document>
  );
}
