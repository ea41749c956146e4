import { median } from './figures.ts';

/**
 * CPU time, in ms, of a fixed piece of work in the manner of a page: rows are read from text, sorted and written as HTML.
 * It changes with nothing but the machine: two runs of the bench compare by what it took in each.
 */
export function referenceMs(): number {
  return median(Array.from({ length: TURNS }, () => writePages()));
}

const TURNS = 9;
const PAGES = 50;

function writePages(): number {
  const before = process.cpuUsage();
  let length = 0;
  for (let page = 0; page < PAGES; page += 1) length += writePage(page).length;
  const { user, system } = process.cpuUsage(before);
  if (length === 0) throw new Error('The reference wrote nothing.');
  return (user + system) / 1000;
}

const STORED = JSON.stringify(
  Array.from({ length: 300 }, (_, index) => ({
    name: `größe & "${(index * 7919) % 300}" <db>`,
    bytes: index * 104_729,
    at: index * 60_000,
  })),
);

function writePage(page: number): string {
  const rows = JSON.parse(STORED) as { name: string; bytes: number; at: number }[];
  return rows
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(
      ({ name, bytes, at }) =>
        `<tr><td>${asHtml(name)}</td><td>${(bytes / 1024).toFixed(1)}</td><td>${new Date(at + page).toISOString()}</td></tr>`,
    )
    .join('');
}

function asHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
