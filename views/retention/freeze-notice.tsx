import { Ago } from '../parts/ago.tsx';
import { PostButton } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';

/** Says since when and why nothing of a database is pruned, and how to go on. */
export function FreezeNotice(props: {
  readonly databaseId: string;
  readonly freeze: { readonly since: string; readonly reason: string };
  readonly mayChange: boolean;
}) {
  const { databaseId, freeze, mayChange } = props;
  return (
    <Notice tone="warning">
      <p>
        <strong>Nothing is pruned</strong> since <Ago at={freeze.since} />. {freeze.reason}
      </p>
      {mayChange && (
        <PostButton
          action={`/databases/${databaseId}/retention/accept`}
          label="Accept what is missing"
          values={{ since: freeze.since }}
        />
      )}
    </Notice>
  );
}
