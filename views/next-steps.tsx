import { PostButton } from './parts/form.tsx';
import { type Step, Steps } from './parts/steps.tsx';

/** What is left to do after the first backup, until the installation can be left alone. */
export interface NextStepsProps {
  readonly databases: number;
  readonly unscheduled: number;
  readonly isTold: boolean;
  readonly isProven: boolean;
  readonly isAdmin: boolean;
  /** A database with a good backup, to rehearse a restore of; null where there is none to choose. */
  readonly rehearsed: { readonly id: string; readonly name: string } | null;
}

export function NextSteps(props: NextStepsProps) {
  return (
    <Steps
      label="Left alone"
      title="Backed up; now make it last"
      steps={stepsOf(props)}
      aside={props.isAdmin && <PostButton action="/next-steps/hide" label="Hide this" kind="link" />}
    />
  );
}

function stepsOf({
  databases,
  unscheduled,
  isTold,
  isProven,
  isAdmin,
  rehearsed,
}: NextStepsProps): readonly Step[] {
  return [
    {
      title: 'Let backups begin by themselves',
      isDone: unscheduled === 0,
      words: scheduleWords(databases, unscheduled),
      body: (
        <a class="button" href="/schedules/rules/new">
          Make a rule for all databases
        </a>
      ),
      page: { href: '/schedules', label: 'Schedules' },
    },
    {
      title: 'Be told when something goes wrong',
      isDone: isTold,
      words: isTold
        ? 'People are told outside of the app.'
        : 'By now people are told in the app alone, where nobody may look for weeks.',
      body: isAdmin ? (
        <a class="button" href="/notifications/channels">
          Add mail or a channel
        </a>
      ) : (
        <p>An admin does this.</p>
      ),
      page: isAdmin ? { href: '/notifications/channels', label: 'Channels' } : null,
    },
    {
      title: 'Prove that a backup comes back',
      isDone: isProven,
      words: isProven
        ? 'A backup was restored and compared.'
        : 'A drill restores one beside the original, compares every table and drops it again.',
      body:
        rehearsed === null ? null : (
          <a class="button" href={`/databases/${rehearsed.id}/drills`}>
            Rehearse a restore of {rehearsed.name}
          </a>
        ),
      page: rehearsed === null ? null : { href: `/databases/${rehearsed.id}/drills`, label: 'Drills' },
    },
  ];
}

function scheduleWords(databases: number, unscheduled: number): string {
  if (unscheduled === 0) return 'Every database has a schedule.';
  if (unscheduled < databases) return `${unscheduled} of ${databases} databases have no schedule.`;
  return databases === 1 ? 'Your database has no schedule.' : 'No database has a schedule.';
}
