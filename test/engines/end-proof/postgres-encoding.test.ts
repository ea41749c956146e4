import { expect, it } from 'vitest';
import { bytesIn, encodingIn, textReader } from '../../../src/engines/end-proof/postgres-encoding.ts';
import { newPlainDumpProof } from '../../../src/engines/end-proof/postgres-plain.ts';

it('gives back the bytes of each letter that an encoding has, and none where it can’t be told', () => {
  for (const encoding of ['LATIN1', 'LATIN2', 'LATIN9', 'KOI8R', 'WIN1251', 'WIN1252', 'ISO_8859_5']) {
    const bytes = Uint8Array.from({ length: 96 }, (_, index) => 0xa0 + index);
    expect(bytesIn(encoding, textReader(encoding).decode(bytes))).toEqual(bytes);
  }
  expect(bytesIn('LATIN1', 'größe')).toEqual(Uint8Array.of(0x67, 0x72, 0xf6, 0xdf, 0x65));
  expect(bytesIn('LATIN1', '表')).toBeUndefined();
  expect(bytesIn('EUC_JP', '表')).toBeUndefined();
  expect(bytesIn('EUC_JP', `a'b`)).toEqual(new TextEncoder().encode(`a'b`));
  for (const other of ['SQL_ASCII', 'toString', '', '😀']) {
    expect(textReader(other).decode(Uint8Array.of(0xc3, 0xbc))).toBe('ü');
  }
  expect(encodingIn("SET client_encoding = 'LATIN1';\n")).toBe('LATIN1');
  expect(encodingIn("SELECT 'SET client_encoding = ''LATIN1'''")).toBeUndefined();
});

it.each([
  ['LATIN1', 'größe ÿ', [0x67, 0x72, 0xf6, 0xdf, 0x65, 0x20, 0xff]],
  ['EUC_JP', 'ü表"', [0x8f, 0xab, 0xe4, 0xc9, 0xbd, 0x22, 0x22]],
])('counts the INSERTs of a plain dump in %s', (encoding, name, spelled) => {
  const head = `--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = '${encoding}';\n`;
  const insert = (table: Iterable<number>, row: number) => [
    ...Buffer.from('INSERT INTO public."'),
    ...table,
    ...Buffer.from(`" VALUES (${row});\n`),
  ];
  const more = [...spelled, 0x78];
  const rows = [spelled, spelled, more, spelled].flatMap((table, row) => insert(table, row));
  const tail = '\n--\n-- PostgreSQL database dump complete\n--\n\n';
  const proof = newPlainDumpProof();
  proof.observe(Buffer.concat([Buffer.from(head), Buffer.from(rows), Buffer.from(tail)]));
  proof.finish();
  expect(proof.contents?.()).toMatchObject({
    encoding,
    tables: [
      { name, rows: 3 },
      { name: `${name}x`, rows: 1 },
    ],
  });
});
