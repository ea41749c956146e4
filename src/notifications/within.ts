/** Whether somebody who wants news of those environments wants it; what is about none is for everybody. */
export function isWithin(environmentId: string | null, wanted: readonly string[] | null): boolean {
  return environmentId === null || wanted === null || wanted.includes(environmentId);
}
