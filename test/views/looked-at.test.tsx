import { expect, it } from 'vitest';
import { LookedAt } from '../../views/restore/looked-at.tsx';

it('shows what nobody could tell as not known, and neither as passed nor as failed', () => {
  const checks = [
    { name: 'Name', ok: true, says: 'It is free.' },
    { name: 'Room', ok: true, isUnknown: true, says: 'It can’t be seen.' },
    { name: 'Rights', ok: false, says: 'There are none.' },
  ];
  const html = String(<LookedAt checks={checks} />);
  const lines = [
    ...html.matchAll(/<li class="([^"]*)">.*?<div>(\w+)<span class="visually-hidden">([^<]*)</g),
  ];
  expect(lines.map(([, look, name, word]) => [name, look, word])).toEqual([
    ['Name', 'check-passed', ': passed'],
    ['Room', 'check-unknown', ': not known'],
    ['Rights', 'check-failed', ': failed'],
  ]);
});
