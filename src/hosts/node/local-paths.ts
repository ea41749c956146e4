import { readlink, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { AppError } from '../../errors.ts';
import { hasDotSegment, isInside } from '../../paths.ts';

/**
 * Refuses paths of the app's own machine that users may not name: everything inside the data folder, and whatever is
 * not under one of the allowed folders. Symbolic links are followed first. Throws `host_path_refused`, also for a path
 * with `..` (after a link it means another folder than it seems to) and for a link that leads nowhere yet.
 */
export function createLocalPathCheck(allowed: {
  readonly dataDir: string;
  readonly localPaths: readonly string[];
}): (path: string) => Promise<void> {
  return async (path) => {
    if (!isAbsolute(path) || hasDotSegment(path)) {
      throw new AppError(
        'host_path_refused',
        `${path} is no plain path. Write it from / on, without . and .. in it.`,
      );
    }
    const real = await realTarget(resolve(path));
    if (isInside(real, await realTarget(allowed.dataDir))) {
      throw new AppError(
        'host_path_refused',
        `${path} lies in the app's own data folder, which is never used for this.`,
      );
    }
    for (const folder of allowed.localPaths) {
      if (isInside(real, await realTarget(folder))) return;
    }
    throw new AppError(
      'host_path_refused',
      `${path} is not under a folder that may be used on the app's own machine (${allowed.localPaths.join(', ')}). Set LOCAL_PATHS to allow another.`,
    );
  };
}

/** The path with its links followed, as far as it exists. */
async function realTarget(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    if (await isLink(path)) {
      throw new AppError(
        'host_path_refused',
        `${path} is a link to what is not there. Remove it, or make its target.`,
      );
    }
    const parent = dirname(path);
    return parent === path ? path : join(await realTarget(parent), path.slice(parent.length));
  }
}

async function isLink(path: string): Promise<boolean> {
  return readlink(path).then(
    () => true,
    () => false,
  );
}
