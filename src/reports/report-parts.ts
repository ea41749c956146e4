import type { ReportSection, ReportTable } from '../events/report.ts';
import { sizeText } from '../notifications/size-text.ts';

export function sectionOf(
  title: string,
  lines: readonly string[],
  table: ReportTable | null = null,
): ReportSection {
  return { title, lines, table };
}

export function tableOf(columns: readonly string[], rows: ReportTable['rows']): ReportTable {
  return { columns, rows };
}

/** `1 backup`, `2 backups`. */
export function times(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** By how many bytes something has grown, or shrunk. */
export function growthText(bytes: number): string {
  if (bytes === 0) return 'as it was';
  return `${bytes > 0 ? '+' : '−'}${sizeText(Math.abs(bytes))}`;
}

const LONGEST = 200;

/** The first line of what a tool printed, no longer than is read. */
export function oneLine(text: string): string {
  const line = text.split('\n')[0]?.trim() ?? '';
  return line.length <= LONGEST
    ? line
    : `${line
        .slice(0, LONGEST - 1)
        .toWellFormed()
        .trimEnd()}…`;
}
