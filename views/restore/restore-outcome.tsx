import { CheckboxField, TextField } from '../parts/field.tsx';
import { Form } from '../parts/form.tsx';
import type { FormState } from '../parts/form-state.ts';
import { formatDuration } from '../parts/format.ts';
import { Notice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { bytesInPage, within } from '../parts/room.ts';
import type { DrillResult, RestoreItem } from './restored.ts';

/** In bytes of the page. */
const ROOM_FOR_STDERR = 34 * 1024;
const ROOM_FOR_MESSAGE = 6 * 1024;

interface OutcomeProps {
  readonly item: RestoreItem;
  readonly form: FormState;
  readonly mayChange: boolean;
  /** Whether this person may drop what the restore has made. */
  readonly mayDrop: boolean;
}

/** What a restore or drill that is over came to, and what is to be done. */
export function Outcome(props: OutcomeProps) {
  const { item } = props;
  const { drill } = item;
  if (drill !== null) {
    return (
      <>
        <DrillOutcome drill={drill} item={item} />
        {(item.state !== 'removed' || drill.outcome !== 'proven') && <WhatWentWrong {...props} />}
      </>
    );
  }
  if (item.state === 'done' && item.runState === 'completed') {
    return (
      <Notice tone="success">
        {item.exists} {sumOf(item)}
      </Notice>
    );
  }
  if (item.state === 'removed' && item.runState === 'completed') {
    return <Notice tone="info">“{item.newName}” was restored, and dropped since.</Notice>;
  }
  return <WhatWentWrong {...props} />;
}

/** Somebody has cleaned up since, so that its failure tells of what is no more. */
function isSettledSince({ state, failure, exists }: RestoreItem): boolean {
  return state !== 'left' && failure !== null && !failure.message.includes(exists);
}

function WhatWentWrong(props: OutcomeProps) {
  const { item } = props;
  if (!isSettledSince(item)) return <Failure {...props} />;
  return (
    <>
      <Notice tone={item.state === 'done' ? 'success' : 'info'}>{item.exists}</Notice>
      <Failure {...props} />
    </>
  );
}

function Failure({ item, form, mayChange, mayDrop }: OutcomeProps) {
  const isOver = isSettledSince(item);
  const { message, why } = item.failure ?? { message: null, why: null };
  return (
    <Panel title={titleOf(item)}>
      {isOver && why === null ? (
        <details class="failure">
          <summary>What was said then</summary>
          <p>{message === null ? null : within(ROOM_FOR_MESSAGE, message)}</p>
        </details>
      ) : (
        message !== null && (
          <p class="failure-message">{within(ROOM_FOR_MESSAGE, isOver && why !== null ? why : message)}</p>
        )
      )}
      {item.failure?.stderr != null && (
        <details class="failure">
          <summary>What the tool printed</summary>
          <pre>
            <code>{within(ROOM_FOR_STDERR, item.failure.stderr)}</code>
          </pre>
          {bytesInPage(item.failure.stderr) > ROOM_FOR_STDERR && (
            <a href={`/runs/${item.id}/log.txt`}>All of it, as text</a>
          )}
        </details>
      )}
      {item.failure === null && <p>{item.exists}</p>}
      {mayDrop && item.state === 'left' && <CleanUp item={item} form={form} />}
      {mayChange && !mayDrop && item.state === 'left' && (
        <p>An admin cleans up here: it is in another environment than its database, or that is gone.</p>
      )}
      {mayChange && isToBeTriedAgain(item) && (
        <p>
          <a class="button outline" href={againOf(item)}>
            Try again
          </a>
        </p>
      )}
    </Panel>
  );
}

function titleOf(item: RestoreItem): string {
  if (item.runState === 'cancelled') return 'It was cancelled';
  return isSettledSince(item) ? 'What went wrong at the time' : 'What went wrong';
}

function isToBeTriedAgain(item: RestoreItem): boolean {
  const isThere = item.state === 'done' && isSettledSince(item);
  return item.state !== 'left' && !isThere && item.backupAt !== null && item.drill === null;
}

function againOf({ adopts, backupId, isInPlace }: RestoreItem): string {
  if (adopts !== null) return `/restores/${adopts.restoreId}/rename`;
  return `/backups/${backupId}/${isInPlace ? 'restore-in-place' : 'restore'}`;
}

function CleanUp({ item, form }: { readonly item: RestoreItem; readonly form: FormState }) {
  const isAsked = (name: string) => (form.errors[name] ?? form.values[name]) !== undefined;
  return (
    <Form action={`/restores/${item.id}/clean-up`} form={form} submit="Clean up" isPlain>
      {isAsked('isThatOne') && (
        <CheckboxField
          form={form}
          name="isThatOne"
          label="What has its name is what was restored"
          help="Somebody has looked at it. Nothing is removed then: the restore is done."
          conditional
        />
      )}
      {(isAsked('mayBeGone') || isAsked('isThatOne')) && (
        <CheckboxField
          form={form}
          name="mayBeGone"
          label="It is gone"
          help="Nothing of this restore counts as left then, where nobody can tell. What is found is removed in any case."
          conditional
        />
      )}
      {!item.isFile && <CleanUpLogin form={form} />}
      <TextField
        form={form}
        name="confirm"
        label={`Type ${item.newName} to confirm`}
        help="What was made for that name is removed for good; what has the name by now, and what it replaced, stays."
        conditional
        spellcheck={false}
      />
    </Form>
  );
}

function CleanUpLogin({ form }: { readonly form: FormState }) {
  return (
    <>
      <p class="field-help">
        What was typed for the restore is forgotten. Without a user here, the login for restores of that
        server is taken where one is stored, else the user that backs up.
      </p>
      <TextField form={form} name="username" label="User" autocomplete="off" spellcheck={false} />
      <TextField form={form} name="password" label="Password" type="password" autocomplete="off" />
    </>
  );
}

function sumOf({ tables: all, isLive, loadedMs }: RestoreItem): string {
  const time = loadedMs === null ? '' : ` It took ${formatDuration(Math.max(1, loadedMs / 1000))}.`;
  if (all === null) return time;
  // What the backup lacks was there before, and is none of its.
  const tables = isLive ? all.filter(({ expected }) => expected !== null) : all;
  const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const isCompared = tables.some(({ expected }) => expected !== null);
  const what = `${countOf(tables.length, 'table')} with ${countOf(rows, 'row')}`;
  return `${what}${isCompared ? ', as many as the dump holds' : '; how many the dump holds was not counted'}.${time}`;
}

function countOf(count: number, noun: string): string {
  return `${count.toLocaleString('en-GB')} ${noun}${count === 1 ? '' : 's'}`;
}

function DrillOutcome({ drill, item }: { readonly drill: DrillResult; readonly item: RestoreItem }) {
  if (drill.outcome === 'proven') {
    return (
      <Notice tone="success">
        It can be restored: {sumOf(item)}{' '}
        {item.state === 'removed' ? 'What was made for it is dropped again.' : ''}
      </Notice>
    );
  }
  if (drill.outcome !== 'failed') return null;
  return (
    <Notice tone={drill.isDamaged ? 'error' : 'warning'}>
      <p>
        <strong>The drill failed: {drill.failure}.</strong>{' '}
        {!drill.isDamaged && 'That says nothing against the backup.'}
      </p>
    </Notice>
  );
}
