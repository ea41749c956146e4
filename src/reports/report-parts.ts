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
