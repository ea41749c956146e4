/** What follows an object's key in that of its manifest. */
export const MANIFEST_SUFFIX = '.manifest.json';
