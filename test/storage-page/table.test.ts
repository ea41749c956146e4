import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** docs/storage.md: the page that the storage was promised by, line by line, with the tests that prove it. */

const ROOT = resolve(import.meta.dirname, '../..');
const TABLE = readFileSync(join(ROOT, 'docs/storage.md'), 'utf8');
/** Lines of the promised page that hold text. */
const PROMISED_LINES = 239;
/** A copy of the promised page that may lie beside the repository. */
const PROMISED_PAGE = resolve(ROOT, '../shared/spec/storage-page.txt');

interface Row {
  readonly quoted: readonly string[];
  readonly proofs: readonly { readonly file: string; readonly title: string }[];
}

const rows = readRows(TABLE);

describe('the table of the storage page', () => {
  it('quotes as many lines as were promised', () => {
    expect(rows.flatMap(({ quoted }) => quoted)).toHaveLength(PROMISED_LINES);
  });

  it('names a test for every line', () => {
    expect(rows.filter(({ proofs }) => proofs.length === 0).map(({ quoted }) => quoted)).toEqual([]);
  });

  it('names only tests that exist', () => {
    const missing = rows
      .flatMap(({ proofs }) => proofs)
      .filter(({ file, title }) => !titlesIn(file).some((known) => known === title || known.endsWith(title)))
      .map(({ file, title }) => `${file} › ${title}`);
    expect([...new Set(missing)]).toEqual([]);
  });

  it('quotes every line of the page in its order, where the page lies beside the repository', async () => {
    const page = existsSync(PROMISED_PAGE) ? await readFile(PROMISED_PAGE, 'utf8') : null;
    const promised = page?.split('\n').map(plain).filter(Boolean);
    const quoted = rows.flatMap((row) => row.quoted);
    expect(quoted).toEqual(promised ?? quoted);
  });
});

describe('the links of the docs', () => {
  it('name no page that is not there', async () => {
    const pages = (await readdir(join(ROOT, 'docs'), { recursive: true })).filter((file) =>
      file.endsWith('.md'),
    );
    const broken: string[] = [];
    for (const page of pages) {
      const path = join(ROOT, 'docs', page);
      for (const target of linksOf(await readFile(path, 'utf8'))) {
        const [file = '', anchor] = target.split('#');
        const linked = file === '' ? path : resolve(dirname(path), file);
        if (!existsSync(linked)) broken.push(`${page}: ${target}`);
        else if (anchor !== undefined && !anchorsOf(await readFile(linked, 'utf8')).includes(anchor)) {
          broken.push(`${page}: ${target}`);
        }
      }
    }
    expect(broken).toEqual([]);
  });
});

function readRows(markdown: string): readonly Row[] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| the page |'))
    .map((line) => {
      const [quoted = '', proofs = ''] = line.slice(1, -1).split(/(?<!\\)\|/);
      return {
        quoted: quoted.split('<br>').map((text) => plain(text.replace(/^\s*`|`\s*$/g, ''))),
        proofs: [...proofs.matchAll(/`(test\/[^`]+)` › (.+?)(?=<br>|\s*$)/g)].map(
          ([, file = '', title = '']) => ({ file, title: title.trim() }),
        ),
      };
    });
}

/** Without what Markdown adds, and with single spaces. */
function plain(text: string): string {
  return text.replaceAll('\\|', '|').replaceAll('\\*', '*').replace(/\s+/g, ' ').trim();
}

const titles = new Map<string, readonly string[]>();

/** Every string of a test file that can be the name of a test; the end of a template counts for the whole. */
function titlesIn(file: string): readonly string[] {
  const known = titles.get(file);
  if (known !== undefined) return known;
  const path = join(ROOT, file);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const found = [...text.matchAll(/'((?:[^'\\\n]|\\.)+)'|"((?:[^"\\\n]|\\.)+)"|`((?:[^`\\]|\\.)+)`/g)].map(
    ([, single, double, template]) => single ?? double ?? template ?? '',
  );
  titles.set(file, found);
  return found;
}

function linksOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** As GitHub makes them: lower case, words joined by hyphens. */
function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
