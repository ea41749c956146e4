import type { Context } from '../db/context.ts';
import type { NotedTroubleRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { type NewEvent, recordEvent } from '../events/events.ts';
import { forgetTrouble, notedTroubles, noteTrouble } from '../events/noted-troubles.ts';
import { type Stage, stageOf } from './stage.ts';

type EndingEvent = NewEvent<'token.ending'> | NewEvent<'certificate.ending'>;

/** Something that is good for a time. */
export interface Ending {
  readonly id: string;
  readonly from: string;
  readonly until: string;
  event(stage: Stage): EndingEvent;
}

/**
 * Tells of what ends soon, once at each stage; `unknown` are ids of what could not be looked at, which stay as they were noted. What is
 * neither is forgotten: it was renewed, or is no more.
 */
export async function tellEndings(
  { db, now }: Context,
  kind: NotedTroubleRow['kind'],
  endings: readonly Ending[],
  unknown: readonly string[] = [],
): Promise<void> {
  const at = now();
  const near = endings.flatMap((ending) => {
    const stage = stageOf(ending, at);
    return stage === null ? [] : [{ ending, stage }];
  });
  const noted = new Map((await notedTroubles(db, kind)).map(({ id, stage }) => [id, stage]));
  const isThere = new Set([...near.map(({ ending }) => ending.id), ...unknown]);
  const gone = [...noted.keys()].filter((id) => !isThere.has(id));
  const fresh = near.filter(({ ending, stage }) => noted.get(ending.id) !== stage);
  if (gone.length + fresh.length === 0) return;
  await write(db, async (trx) => {
    for (const id of gone) await forgetTrouble(trx, id);
    for (const { ending, stage } of fresh) {
      const trouble = { id: ending.id, kind, stage, since: at.toISOString() };
      if (await noteTrouble(trx, trouble)) await recordEvent(trx, ending.event(stage), at);
    }
  });
}
