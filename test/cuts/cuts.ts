import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../src/errors.ts';
import type { Verdict } from '../attack/verdict.ts';
import { byHand } from '../support/by-hand.ts';
import { OUR_SEED, ourKey, storedDump, writeStored } from '../support/stored-dump.ts';
import type { Subject } from './subjects.ts';

/** What becomes of the source at the place of the cut. */
export const KINDS = ['cut', 'cut before it was stored', 'fails', 'changes', 'stalls'] as const;
export type Kind = (typeof KINDS)[number];

/** Of one subject: how often its restore left all as it was, and what the stock pipeline did with the same cuts. */
export interface CutsOf {
  readonly subject: Subject;
  tried: number;
  asBefore: number;
  stockTried: number;
  stockStatusZero: number;
  stockLeftTables: number;
  stockEndless: number;
  /** Ended with status 0, and some of the tables were there. */
  stockLied: number;
}

interface CutOptions {
  readonly cuts: number;
  readonly random: () => number;
  readonly folder: string;
  readonly verdict: Pick<Verdict, 'check'>;
}

/** Cuts one subject's dump so often, at random bytes and at borders of statements in turn, in each kind in turn. */
export async function cutSubject(
  subject: Subject,
  { cuts, random, folder, verdict }: CutOptions,
): Promise<CutsOf> {
  const counts: CutsOf = {
    subject,
    ...{
      tried: 0,
      asBefore: 0,
      stockTried: 0,
      stockStatusZero: 0,
      stockLeftTables: 0,
      stockEndless: 0,
      stockLied: 0,
    },
  };
  const file = join(folder, 'stored');
  const [before, content] = [await subject.names(), await subject.content()];
  const whole = await storedDump(subject.dump, subject.of);
  writeStored(file, whole);
  const words = [...subject.target, '--into', subject.newName, '--public-key', ourKey];
  const good = await byHand([file, ...words], { cwd: folder });
  verdict.check(`${subject.name}: whole, it is restored`, good.status === 0, good.said);
  await subject.drop();
  const places = placesIn(subject.dump);
  for (let nth = 0; nth < cuts; nth += 1) {
    const kind = KINDS[nth % KINDS.length] ?? 'cut';
    const isBorder = Math.floor(nth / KINDS.length) % 2 === 1 && places.length > 0;
    const place = isBorder
      ? (places[Math.floor(random() * places.length)] ?? 1) / subject.dump.length
      : random();
    const { status, said } = await restoreCut(subject, {
      kind,
      place,
      file,
      whole: whole.bytes,
      words,
      folder,
    });
    const after = await subject.names();
    counts.tried += 1;
    const isRight = status !== 0 && after === before;
    counts.asBefore += isRight ? 1 : 0;
    verdict.check(`${subject.name}: ${kind} at ${place} leaves all as it was`, isRight, { status, said });
    if (after !== before) await subject.drop();
    const stock = await stockOf(subject, { place, file, whole: whole.bytes });
    counts.stockTried += 1;
    counts.stockStatusZero += stock.isStatusZero ? 1 : 0;
    counts.stockEndless += stock.isEndless ? 1 : 0;
    counts.stockLeftTables += stock.tables > 0 ? 1 : 0;
    counts.stockLied += stock.isStatusZero && stock.tables > 0 ? 1 : 0;
  }
  verdict.check(`${subject.name}: nothing of the source has changed`, content === (await subject.content()));
  return counts;
}

/** Behind each statement, and each row of a COPY, of a dump that is text. */
function placesIn(dump: Buffer): readonly number[] {
  if (dump.includes(0)) return [];
  const places: number[] = [];
  for (let at = dump.indexOf(';\n'); at >= 0; at = dump.indexOf(';\n', at + 1)) places.push(at + 2);
  return places.slice(0, -1);
}

interface Cut {
  readonly kind: Kind;
  /** Of the dump, or of the stored file: 0 to 1. */
  readonly place: number;
  readonly file: string;
  readonly whole: Buffer;
  readonly words: readonly string[];
  readonly folder: string;
}

async function restoreCut(subject: Subject, { kind, place, file, whole, words, folder }: Cut) {
  const at = Math.floor(place * whole.length);
  if (kind === 'cut') {
    writeFileSync(file, whole.subarray(0, at));
    return byHand([file, ...words], { cwd: folder });
  }
  if (kind === 'cut before it was stored') {
    const dump = subject.dump.subarray(0, Math.round(place * subject.dump.length));
    writeStored(file, await storedDump(Buffer.from(dump), subject.of, OUR_SEED));
    const ended = await byHand([file, ...words], { cwd: folder });
    writeStored(file, await storedDump(subject.dump, subject.of));
    return ended;
  }
  const ended = new AbortController();
  const fetch = breakingAt(whole, at, kind, () =>
    ended.abort(new AppError('cancelled', 'Ended by a person.')),
  );
  const from = ['http://storage.example/stored', '--manifest', `${file}.manifest.json`];
  return byHand([...from, ...words], { cwd: folder, fetch, signal: ended.signal });
}

/** A storage that gives bytes up to a place, and then fails for good, has something else there, or gives nothing more. */
function breakingAt(
  whole: Buffer,
  at: number,
  kind: Exclude<Kind, 'cut' | 'cut before it was stored'>,
  onStall: () => void,
): (url: string, options: RequestInit) => Promise<Response> {
  return async (_, { headers }) => {
    const asked = new Headers(headers);
    if (asked.has('range')) {
      const changed = kind === 'changes' && asked.get('if-match') !== '"another"';
      return new Response(null, { status: changed ? 412 : 403 });
    }
    let isGiven = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (!isGiven) {
          isGiven = true;
          if (at > 0) return controller.enqueue(whole.subarray(0, at));
        }
        if (kind !== 'stalls') return controller.error(new TypeError('terminated'));
        onStall();
        return new Promise<void>(() => {});
      },
    });
    return new Response(body, { headers: { 'content-length': String(whole.length), etag: '"one"' } });
  };
}

async function stockOf(subject: Subject, { place, file, whole }: Pick<Cut, 'place' | 'file' | 'whole'>) {
  const cut = `${file} cut`;
  writeFileSync(cut, whole.subarray(0, Math.floor(place * whole.length)));
  return subject.runStock(cut);
}
