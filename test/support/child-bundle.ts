import { cp } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { bundle } from './bundle.ts';

/** Bundles `child-app.ts`, beside what its pages do beyond HTML. Gives its file. */
export async function bundleChildApp(): Promise<string> {
  const program = await bundle('child-app', 'test/support/child-app.ts');
  await cp(resolve(import.meta.dirname, '../../public/ui.js'), join(dirname(program), 'assets/ui.js'));
  return program;
}
