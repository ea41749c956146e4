import * as z from 'zod';
import type { Report, ReportSection, ReportTable } from '../events/report.ts';
import { escapeHtml } from './compose.ts';

const text = z.string();
const report = z.object({
  ...{ title: text, summary: text },
  sections: z.array(
    z.object({
      ...{ title: text, lines: z.array(text) },
      table: z
        .object({
          columns: z.array(text),
          rows: z.array(z.object({ cells: z.array(text), path: text.nullable() })),
        })
        .nullable(),
    }),
  ),
});

/** A report as it was put on its way. Throws for what is none. */
export function parseReport(json: string): Report {
  return report.parse(JSON.parse(json));
}

export interface ReportMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A report as a mail. `publicUrl`: where the app is found, without a slash at its end; null: not known, so that there are no links. */
export function mailOfReport(made: Report, publicUrl: string | null): ReportMail {
  const { title, summary, sections } = made;
  return {
    subject: title.replaceAll(/\s+/g, ' '),
    text: [summary, ...sections.map((section) => textOf(section, publicUrl))].join('\n\n'),
    html: documentOf(made, publicUrl),
  };
}

function textOf({ title, lines, table }: ReportSection, publicUrl: string | null): string {
  const rows = (table?.rows ?? []).map(({ cells, path }) =>
    [
      `- ${cells.filter((cell) => cell !== '').join(' · ')}`,
      ...(publicUrl === null || path === null ? [] : [`  ${publicUrl}${path}`]),
    ].join('\n'),
  );
  return [title.toUpperCase(), ...lines, ...rows].join('\n');
}

function documentOf({ title, summary, sections }: Report, publicUrl: string | null): string {
  const parts = sections.map(
    (section) =>
      `<h2>${escapeHtml(section.title)}</h2>${section.lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('')}${
        section.table === null ? '' : tableOf(section.table, publicUrl)
      }`,
  );
  const foot =
    publicUrl === null
      ? ''
      : ` <a href="${escapeHtml(publicUrl)}">Open</a> · <a href="${escapeHtml(`${publicUrl}/notifications/preferences`)}">What you are told</a>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(
    summary,
  )}</p>${parts.join('')}<hr><p><small>BRIDGEPORT Storage.${foot}</small></p></body></html>`;
}

function tableOf({ columns, rows }: ReportTable, publicUrl: string | null): string {
  const head = columns.map((column) => `<th align="left">${escapeHtml(column)}</th>`).join('');
  const body = rows.map(({ cells, path }) => {
    const [first = '', ...others] = cells.map(escapeHtml);
    const link =
      publicUrl === null || path === null
        ? first
        : `<a href="${escapeHtml(`${publicUrl}${path}`)}">${first}</a>`;
    return `<tr>${[link, ...others].map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<table cellpadding="4"><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}
