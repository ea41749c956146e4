import type { RestorePageProps } from '../../../views/restore/restore-props.ts';
import { AppError, toAppError } from '../../errors.ts';
import { runningAs } from '../../restores/already-asked.ts';
import type { AskedRestore } from '../../restores/ask-restore.ts';
import type { DropInput } from '../../restores/drop-on-host.ts';
import { type FormBody, isTicked, textOf } from './kit/form-body.ts';
import type { Taken } from './kit/submit.ts';

/** Fields of a form about restores that are never sent back. */
export const RESTORE_SECRETS = ['password'];

/** Whatever is in the way of a look or a restore is for the person at the form; what is nobody's to mend is a page. */
export function explainRestore(error: unknown): unknown {
  const { code, message } = toAppError(error);
  if (['internal', 'not_found', 'forbidden', 'shutdown'].includes(code)) return error;
  if (['invalid', 'conflict', 'host_path_refused'].includes(code)) return error;
  return new AppError('invalid', message, { cause: error });
}

/** Leads to what was asked for; to what is under way already, and says so, where that is the same. */
export async function toRestore(asked: Promise<AskedRestore>): Promise<Taken> {
  try {
    return { to: `/restores/${(await asked).runId}` };
  } catch (error) {
    const id = runningAs(toAppError(error));
    if (id === undefined) throw error;
    return { to: `/restores/${id}`, say: 'restore-asked-already' };
  }
}

/** What was chosen and can't be of this backup, whose form does not even show it; null for nothing. */
export function lostChoice(
  values: Readonly<Record<string, string | undefined>>,
  { selectsTables, takesJobs }: Pick<RestorePageProps, 'selectsTables' | 'takesJobs'>,
): string | null {
  const isTyped = (name: string) => (values[name] ?? '').trim() !== '';
  const lost = [
    ...(isTyped('tables') && !selectsTables ? ['single tables'] : []),
    ...(isTyped('jobs') && !takesJobs ? ['several jobs'] : []),
  ];
  if (lost.length === 0) return null;
  return `This backup can’t be restored by ${lost.join(' and ')}, as was chosen, so nothing is restored yet. Choose another backup, or restore all of this one.`;
}

/** As whom the target is opened, where that is not who restored. A password counts as it was typed, with the blanks around it. */
export function loginIn(body: FormBody) {
  return { username: textOf(body, 'username') ?? undefined, password: body['password'] || undefined };
}

/** What is said of what is dropped. */
export function dropIn(body: FormBody): DropInput {
  return {
    confirm: body['confirm'] ?? '',
    isUnused: isTicked(body, 'isUnused'),
    isOnlyCopy: isTicked(body, 'isOnlyCopy'),
    mayBeGone: isTicked(body, 'mayBeGone'),
    ...loginIn(body),
  };
}
