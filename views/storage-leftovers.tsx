import { Ago } from './parts/ago.tsx';
import { Table } from './parts/table.tsx';

/** Something that could not be removed yet. */
export interface LeftoverItem {
  readonly id: string;
  readonly kind: string;
  readonly place: string;
  readonly since: string;
  readonly reason: string;
  readonly tries: number;
  /** Null while a try is on its way. */
  readonly nextTryAt: string | null;
}

export interface LeftoverListProps {
  /** Those that have been there the longest. */
  readonly leftovers: readonly LeftoverItem[];
  readonly hasMore: boolean;
}

/** What is still to be removed; nothing where there is none. */
export function LeftoverList({ leftovers, hasMore }: LeftoverListProps) {
  if (leftovers.length === 0) return null;
  return (
    <>
      <h2 id="left-behind">Left behind</h2>
      <p>
        Backups left these behind, or were deleted and could not be removed, because the place refused or
        could not be reached; or an answer was lost. Removal is tried again until it is certain that nothing
        is there.
      </p>
      <Table caption="Left behind" columns={['What', 'Where', 'Since', 'Tries', 'Next try', 'Why']}>
        {leftovers.map((leftover) => (
          <tr key={leftover.id}>
            <td data-label="What">{leftover.kind}</td>
            <td class="file" data-label="Where">
              <code>{leftover.place}</code>
            </td>
            <td data-label="Since">
              <Ago at={leftover.since} />
            </td>
            <td data-label="Tries">{leftover.tries}</td>
            <td data-label="Next try">
              <Ago at={leftover.nextTryAt} />
            </td>
            <td data-label="Why">{leftover.reason}</td>
          </tr>
        ))}
      </Table>
      {hasMore && (
        <p class="field-help">
          The {leftovers.length} oldest; there are more, which the API lists:{' '}
          <a href="/docs/get-settings-spaces-left-behind">
            <code>GET /api/settings/spaces/left-behind</code>
          </a>
          .
        </p>
      )}
    </>
  );
}
