import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { appEnvironment, appFlags } from '../scripts/app-memory.mjs';
import { COMPILED } from '../scripts/warm-up.mjs';

it('is started with the same memory settings in the image as by npm start', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '../Dockerfile'), 'utf8');
  const settings = Object.entries(appEnvironment).map(([name, value]) => `${name}=${value}`);
  expect(/^ENV (MALLOC_.*)$/m.exec(dockerfile)?.[1]).toBe(settings.join(' '));
  expect(dockerfile).toContain(
    `CMD ${JSON.stringify(['node', ...appFlags, 'dist/main.js']).replaceAll('","', '", "')}`,
  );
});

it('finds its compiled code in the image where the warm-up leaves it, made by the user of the app and not to be changed by it', () => {
  const dockerfile = readFileSync(join(import.meta.dirname, '../Dockerfile'), 'utf8');
  const [build = '', image = ''] = dockerfile.split(/^FROM .*\n(?!WORKDIR)/m).slice(-2);
  expect(image).toMatch(new RegExp(`^ENV NODE_COMPILE_CACHE=/app/dist/${COMPILED}$`, 'm'));
  expect(image).toMatch(/^USER node$/m);
  expect(build).toContain(
    `USER node\nRUN node scripts/warm-up.mjs\nUSER root\nRUN chown -R root:root dist/${COMPILED} && chmod -R a+rX,go-w dist/${COMPILED}\n`,
  );
});
