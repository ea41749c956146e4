import type { Frame } from '../frame/frame.ts';
import { Page } from '../frame/page.tsx';
import { Dialog, type Question } from '../parts/dialog.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { type PageOfMany, Pager, samePage } from '../parts/pager.tsx';
import { PeopleTabs } from './people-tabs.tsx';
import { type TokenItem, TokenTable } from './token-table.tsx';

/** Every API token, for admins. */
export function TokensPage(props: {
  readonly frame: Frame;
  readonly tokens: readonly TokenItem[];
  readonly page: PageOfMany;
  readonly question: Question | null;
}) {
  const { frame, tokens, page } = props;
  return (
    <Page
      frame={frame}
      section="users"
      title="API tokens"
      actions={
        <a class="button" href="/admin/tokens/new">
          New token
        </a>
      }
    >
      <PeopleTabs chosen="tokens" />
      {page.total === 0 ? (
        <EmptyState title="No API tokens yet">
          <p>Scripts, pipelines and cron jobs sign in with a token instead of a password.</p>
        </EmptyState>
      ) : (
        <>
          <TokenTable tokens={tokens} path={samePage('/admin/tokens', page)} hasOwners />
          <Pager page={page} path="/admin/tokens" />
        </>
      )}
      <Dialog question={props.question} />
    </Page>
  );
}
