import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { hasDotSegment, isInside } from '../paths.ts';

/**
 * Paths that a database of the app's own machine may name: never inside DATA_DIR, else only under LOCAL_PATHS. This
 * is the early answer, by the text of the path; a run checks again with links followed. Throws `invalid`.
 */
export function checkLocalPath(
  config: Pick<Config, 'dataDir' | 'localPaths'>,
  field: string,
  path: string,
): void {
  if (hasDotSegment(path)) {
    throw refusal(field, `${path} must not hold . or .. segments.`);
  }
  if (isInside(path, config.dataDir)) {
    throw refusal(field, `${path} lies in the data folder of this program, which is never used for backups.`);
  }
  if (config.localPaths.some((folder) => isInside(path, folder))) return;
  const allowed = config.localPaths.join(', ') || 'none';
  throw refusal(
    field,
    `On this program's own machine only paths under LOCAL_PATHS are used (${allowed}); ${path} is not among them.`,
  );
}

function refusal(field: string, message: string): AppError {
  return new AppError('invalid', message, { details: { field } });
}
