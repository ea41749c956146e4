import { expect, it } from 'vitest';
import { createVerdict } from '../attack/verdict.ts';
import { crash } from './crash.ts';

it('keeps what is completed, loses no slot and leaves nothing behind, wherever it is killed', async () => {
  const verdict = createVerdict();
  const crashed = await crash({ kills: 5, installations: 1, seed: 13 }, verdict);
  expect(verdict.failed).toBe(0);
  expect(crashed.kills).toBe(5);
  expect(crashed.ran).toBeGreaterThan(0);
  expect(crashed.downloads).toBeGreaterThan(0);
}, 900_000);
