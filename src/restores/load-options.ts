import * as z from 'zod';
import type { RestoreRow } from '../db/schema.ts';

/** How many tables can be chosen at once: each is an argument of a command. */
export const MOST_CHOSEN = 200;

/** Tables as a request names them, and as the row of a restore holds them. */
export const tableNames = z
  .array(z.object({ schema: z.string().max(255), name: z.string().min(1).max(255) }))
  .min(1)
  .max(MOST_CHOSEN);

export type ChosenTables = z.infer<typeof tableNames>;

/** How many connections load an archive at once. */
export const jobCount = z.number({ error: 'Enter a number.' }).int().min(2).max(16);

const loadOptions = z.object({
  /** These alone. */
  tables: tableNames.optional(),
  jobs: jobCount.optional(),
  /** Into the database that is there, in one transaction; of a restore in place. */
  live: z.literal(true).optional(),
  /** What tells the place that it is made in, such as a disk or a server, as its engine has read it before: what is not there in another one is not gone. */
  madeIn: z.string().max(80).optional(),
  /** Of something new: what tells it from all else, as its engine has read it before it got its name. */
  made: z.string().max(120).optional(),
  /** Of something new that stays: it was found whole, and was to get its name. Not set by versions that did not write it down. */
  foundWhole: z.literal(true).optional(),
  /** A person has said that nothing of it is there, where nobody could tell. */
  saidGone: z.literal(true).optional(),
  /** Of a restore in place: what another restore has made takes the place, and no dump is loaded. */
  adopts: z.object({ restoreId: z.string(), name: z.string(), id: z.string().max(120) }).optional(),
  /** Of something new: the restore in place that was last asked to let it take the place of its database. */
  renamedBy: z.string().optional(),
  /** Of something new: it has taken the place of its database. */
  hasTakenPlace: z.literal(true).optional(),
  /** Of a restore in place: what it keeps, as its engine has read it behind the swap, to tell whether somebody goes on with that. */
  kept: z.string().max(120).optional(),
  /** Of a restore in place: when its swap was begun, as an instant. */
  swapAt: z.string().optional(),
  /** What it has made or kept was begun to be dropped, and nobody knows yet whether it was: where, as `DropPlan.where` told; true where nobody could tell. */
  dropBegun: z.union([z.literal(true), z.string().max(80)]).optional(),
});
export type LoadOptions = z.infer<typeof loadOptions>;

/** What was said of how a dump is loaded, and what was read of what it was loaded into. */
export function loadOptionsOf({ load_options: text }: Pick<RestoreRow, 'load_options'>): LoadOptions {
  return text === null ? {} : loadOptions.parse(JSON.parse(text));
}

/** As the row of a restore holds them; null where nothing was said. */
export function loadOptionsText(options: LoadOptions): string | null {
  return Object.values(options).some((option) => option !== undefined) ? JSON.stringify(options) : null;
}

/** Whether it goes into the database that is in use, and not beside it. */
export function isLive(row: Pick<RestoreRow, 'in_place' | 'load_options'>): boolean {
  return row.in_place === 1 && loadOptionsOf(row).live === true;
}

/** Those that were chosen for a restore; null: all. */
export function onlyTablesOf(row: Pick<RestoreRow, 'load_options'>): ChosenTables | null {
  return loadOptionsOf(row).tables ?? null;
}
