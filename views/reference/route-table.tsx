import { Table } from '../parts/table.tsx';
import type { RouteLine } from './reference.ts';
import { Worded } from './worded.tsx';

/** Routes, each with what it does and who may; its path leads to all about it. */
export function RouteTable({
  caption,
  routes,
}: {
  readonly caption: string;
  readonly routes: readonly RouteLine[];
}) {
  return (
    <div class="routes">
      <Table caption={caption} columns={['Route', 'Least role', 'What it does']}>
        {routes.map(({ id, method, path, summary, least }) => (
          <tr key={id}>
            <th scope="row">
              <a class="route-name" href={`/docs/${id}`}>
                <b>{method}</b> {path}
              </a>
            </th>
            <td>{least}</td>
            <td>
              <Worded text={summary} />
            </td>
          </tr>
        ))}
      </Table>
    </div>
  );
}
