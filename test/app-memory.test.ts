import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { appEnvironment, appFlags } from '../scripts/app-memory.mjs';

it('is started with the same memory settings in the image as by npm start', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '../Dockerfile'), 'utf8');
  const settings = Object.entries(appEnvironment).map(([name, value]) => `${name}=${value}`);
  expect(/^ENV (MALLOC_.*)$/m.exec(dockerfile)?.[1]).toBe(settings.join(' '));
  expect(dockerfile).toContain(
    `CMD ${JSON.stringify(['node', ...appFlags, 'dist/main.js']).replaceAll('","', '", "')}`,
  );
});
