import type { PostgresFiles } from '../postgres.ts';
import { askForShared } from './ask.ts';

/** The files that each PostgreSQL of this run begins with; they end with the run. */
export function postgresFiles(): Promise<PostgresFiles> {
  return askForShared<PostgresFiles>('postgresFiles');
}
