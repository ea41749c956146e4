import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';

/**
 * Paths that a database of the app's own machine may name: never inside DATA_DIR, else only under LOCAL_PATHS. This
 * is the early answer, by the text of the path; a run checks again with links followed. Throws `invalid`.
 */
export function checkLocalPath(
  config: Pick<Config, 'dataDir' | 'localPaths'>,
  field: string,
  path: string,
): void {
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) {
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

function isInside(path: string, folder: string): boolean {
  const segments = (text: string) => text.split('/').filter((segment) => segment !== '');
  const inner = segments(path);
  return segments(folder).every((segment, at) => inner[at] === segment);
}

function refusal(field: string, message: string): AppError {
  return new AppError('invalid', message, { details: { field } });
}
