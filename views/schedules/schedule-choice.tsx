import { RadioField, TextField } from '../parts/field.tsx';
import type { FormState } from '../parts/form-state.ts';
import { TimesField } from './schedule-fields.tsx';

/** What a database that is being registered is told of schedules. */
export interface ScheduleChoices {
  /** Those of which the first that fits counts for it; a tag: on servers with it only, where the server is to be chosen. */
  readonly rules: readonly { readonly name: string; readonly words: string; readonly tag: string | null }[];
  /** In which times are read. */
  readonly zone: string;
  readonly schedulerEnabled: boolean;
}

/** When it is backed up by itself: in the form that registers it, and saved with it. */
export function ScheduleChoice({
  form,
  choices,
}: {
  readonly form: FormState;
  readonly choices: ScheduleChoices;
}) {
  const { rules, zone } = choices;
  const isRuled = rules.some(({ tag }) => tag === null);
  // Where no rule is sure to back it up, each night is proposed: nobody registers a database to forget it.
  const values = { when: isRuled ? 'rule' : 'daily', dailyAt: '02:00', ...form.values };
  const filled = { ...form, values };
  return (
    <div class="schedule-choice">
      <RadioField
        form={filled}
        name="when"
        label="When backups begin by themselves"
        choices={choicesFor(rules, isRuled)}
        help={choices.schedulerEnabled ? undefined : SCHEDULER_OFF}
        required
      />
      <div class="when-daily">
        <TextField
          form={filled}
          name="dailyAt"
          label="Time of day"
          type="time"
          conditional
          help={`In the zone ${zone}.`}
        />
      </div>
      <div class="when-cron">
        <TimesField form={filled} conditional />
      </div>
    </div>
  );
}

const OWN = [
  { value: 'daily', label: 'Every day at a time' },
  { value: 'cron', label: 'At other times' },
] as const;
const UNTIL_A_RULE = { value: 'rule', label: 'Not until a rule says so' } as const;
const NEVER = { value: 'none', label: 'Never, whatever rules say' } as const;

const SCHEDULER_OFF = 'The scheduler is off (SCHEDULER_ENABLED): nothing begins by itself until it is on.';

function choicesFor(rules: ScheduleChoices['rules'], isRuled: boolean) {
  if (rules.length === 0) return [...OWN, UNTIL_A_RULE];
  const all = [...rules.map(ruleText), ...(isRuled ? [] : ['not at all'])];
  const asRules = { value: 'rule', label: `As rules say: ${all.join('; else ')}` };
  return isRuled ? [asRules, ...OWN, NEVER] : [...OWN, asRules, NEVER];
}

function ruleText({ name, words, tag }: ScheduleChoices['rules'][number]): string {
  return `${name} (${words})${tag === null ? '' : ` on servers with the tag ${tag}`}`;
}
