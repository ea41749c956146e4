import { Table } from '../parts/table.tsx';
import type { FieldView } from './reference.ts';

/** Fields with their types; what one holds itself is folded below it. */
export function FieldTable(props: {
  readonly caption: string;
  readonly fields: readonly FieldView[];
  /** Of an answer nothing need be sent. */
  readonly isAnswer?: boolean;
}) {
  const { caption, fields, isAnswer = false } = props;
  return (
    <>
      <div class="fields">
        <Table caption={caption} columns={['Field', 'Type', 'Notes']}>
          {fields.map((field) => (
            <tr key={field.name}>
              <th scope="row">
                <code>{field.name}</code>
              </th>
              <td>{field.type}</td>
              <td>{notesOn(field, isAnswer)}</td>
            </tr>
          ))}
        </Table>
      </div>
      {fields
        .filter(({ fields }) => fields.length > 0)
        .map((field) => (
          <Folded key={field.name} field={field} caption={`${caption}: ${field.name}`} isAnswer={isAnswer} />
        ))}
    </>
  );
}

function Folded(props: { readonly field: FieldView; readonly caption: string; readonly isAnswer: boolean }) {
  const { field, caption, isAnswer } = props;
  return (
    <details class="shape">
      <summary>
        <code>{field.name}</code>: {field.type}
      </summary>
      <FieldTable caption={caption} fields={field.fields} isAnswer={isAnswer} />
    </details>
  );
}

function notesOn({ isRequired, notes }: FieldView, isAnswer: boolean): string {
  const need = isAnswer ? (isRequired ? [] : ['not always there']) : isRequired ? ['required'] : [];
  return [...need, ...notes].join('; ');
}

/** A whole body or answer: its fields where it has some, else what it is. */
export function ShapeView(props: {
  readonly caption: string;
  readonly shape: FieldView;
  readonly isAnswer?: boolean;
}) {
  const { caption, shape, isAnswer = false } = props;
  if (shape.fields.length > 0) {
    return <FieldTable caption={caption} fields={shape.fields} isAnswer={isAnswer} />;
  }
  return <p>{[shape.type, ...shape.notes].join('; ')}</p>;
}
