import type { Frame } from '../frame/frame.ts';
import { Facts } from '../parts/facts.tsx';
import type { FormState } from '../parts/form-state.ts';
import { Table } from '../parts/table.tsx';
import { FieldTable, ShapeView } from './field-table.tsx';
import type { ErrorCodeView, RouteView, TriedView } from './reference.ts';
import { ReferenceShell } from './shell.tsx';
import { TriedAnswer } from './tried-answer.tsx';
import { TryForm } from './try-form.tsx';
import { Worded } from './worded.tsx';

/** Where a form that was sent leads: to the answer or, where it was refused, to itself. */
const ANSWER = 'answer';

/** All about one route, and a form that tries it. */
export function ReferenceRoutePage(props: {
  readonly frame: Frame | null;
  readonly route: RouteView;
  readonly form: FormState;
  readonly tried: {
    readonly answer: TriedView;
    readonly command: string;
    readonly fetches: string | null;
  } | null;
}) {
  const { frame, route, form, tried } = props;
  const { group } = route;
  return (
    <ReferenceShell
      frame={frame}
      title={`${route.method} ${route.path}`}
      back={{ href: `/docs#${group.name}`, label: 'API' }}
      within={group.title}
    >
      <p>
        <Worded text={`${route.summary}.`} />
      </p>
      <Facts facts={route.access} />
      {route.remarks.length > 0 && (
        <ul>
          {route.remarks.map((remark) => (
            <li key={remark}>
              <Worded text={remark} />
            </li>
          ))}
        </ul>
      )}
      {tried !== null && <TriedAnswer {...tried} />}
      {route.parameters.length > 0 && (
        <>
          <h2>Path</h2>
          <FieldTable caption="Parameters of the path" fields={route.parameters} />
        </>
      )}
      {route.query.length > 0 && (
        <>
          <h2>Query</h2>
          <FieldTable caption="Fields of the query" fields={route.query} />
        </>
      )}
      {route.body !== null && (
        <>
          <h2>Body</h2>
          <ShapeView caption="Fields of the body" shape={route.body} />
        </>
      )}
      <h2>Answer</h2>
      <ShapeView caption="Fields of the answer" shape={route.answer} isAnswer />
      {route.otherAnswers.map(({ status, shape }) => (
        <>
          <h2>Answer with {status}</h2>
          <ShapeView caption={`Fields of the answer with ${status}`} shape={shape} isAnswer />
        </>
      ))}
      <h2>Failures</h2>
      <ErrorCodes codes={route.refusals} />
      <h2 id={tried === null ? ANSWER : undefined}>Try it</h2>
      <TryForm route={route} form={form} />
    </ReferenceShell>
  );
}

export function ErrorCodes({ codes }: { readonly codes: readonly ErrorCodeView[] }) {
  return (
    <div class="codes">
      <Table caption="Codes of failures" columns={['Status', 'Code', 'Meaning']}>
        {codes.map(({ status, code, meaning }) => (
          <tr key={code}>
            <td>{status}</td>
            <th scope="row">
              <code>{code}</code>
            </th>
            <td>
              <Worded text={meaning} />
            </td>
          </tr>
        ))}
      </Table>
    </div>
  );
}
