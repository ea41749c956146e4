import cronstrue from 'cronstrue';
import type { Cron } from './cron.ts';

/** The expression in words, such as `At 02:00, every day`, `At 02:00, only on Monday`. */
export function inWords(cron: Cron): string {
  return isOfEachDay(cron) ? `${describe(cron.text)}, every day` : inItsWords(cron);
}

/** Said for times of the day alone: what is each hour, or every few minutes, is so on every day. */
function isOfEachDay({ text, days }: Cron): boolean {
  const [, hour = ''] = text.split(' ');
  return days === '* * *' && /^[\d,-]+$/.test(hour);
}

function inItsWords({ text, days }: Cron): string {
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
