import { Ago } from './parts/ago.tsx';
import { cutTo } from './parts/room.ts';
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

/** For why none of them is gone yet, in bytes of the page. */
const ROOM_FOR_REASONS = 3 * 1024;

/** What is still to be removed; nothing where there is none. */
export function LeftoverList({ leftovers, hasMore }: LeftoverListProps) {
  if (leftovers.length === 0) return null;
  const reasons = leftovers.map(({ reason }) => reason);
  const cut = cutTo(ROOM_FOR_REASONS, reasons);
  const isCut = reasons.some((reason) => reason !== cut(reason));
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
            <td data-label="Why">{cut(leftover.reason)}</td>
          </tr>
        ))}
      </Table>
      {(hasMore || isCut) && (
        <p class="field-help">
          {isCut && 'Long answers are cut here. '}
          {hasMore && `The ${leftovers.length} oldest; there are more. `}
          The API has all of it:{' '}
          <a href="/docs/get-settings-spaces-left-behind">
            <code>GET /api/settings/spaces/left-behind</code>
          </a>
          .
        </p>
      )}
    </>
  );
}
