/* Absolute paths with `/`, by their text alone: no link is followed. */

/** True for a path that holds `.` or `..`, which mean another place than they seem to. */
export function hasDotSegment(path: string): boolean {
  return path.split('/').some((segment) => segment === '.' || segment === '..');
}

/** True for the folder itself and for all below it. */
export function isInside(path: string, folder: string): boolean {
  const inner = segmentsOf(path);
  return segmentsOf(folder).every((segment, at) => inner[at] === segment);
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}
