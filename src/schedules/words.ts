import cronstrue from 'cronstrue';
import type { Cron } from './cron.ts';

/** The expression in words, such as `At 02:00, only on Monday`. */
export function inWords({ text, days }: Cron): string {
  const [minute, hour, day, month, weekday] = text.split(' ');
  const [dayOfMonth, , dayOfWeek] = days.split(' ');
  if (dayOfMonth === '*' || dayOfWeek === '*') return describe(text);
  // Where either kind of day will do, one sentence for both would read as if both were needed.
  const onWeekdays = describe([minute, hour, '*', month, weekday].join(' '));
  return `${describe([minute, hour, day, month, '*'].join(' '))}, or ${onWeekdays.charAt(0).toLowerCase()}${onWeekdays.slice(1)}`;
}

function describe(expression: string): string {
  return cronstrue.toString(expression, { use24HourTimeFormat: true });
}
