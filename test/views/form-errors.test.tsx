import { describe, expect, it } from 'vitest';
import { PROTECTIONS } from '../../src/backups/protection.ts';
import { HelpPage } from '../../views/help.tsx';
import { FormErrors } from '../../views/parts/form-errors.tsx';
import { freshForm } from '../../views/parts/form-state.ts';
import { ScheduleFields } from '../../views/schedules/schedule-fields.tsx';

describe('what is wrong with a form', () => {
  it('is said on top, each as a link to its field', () => {
    const errors = { sshPort: 'Enter at most 65535.', 'options.caFile': 'Please <fill> this in.' };
    const html = String(<FormErrors form={{ ...freshForm(), errors }} />);
    expect(html).toContain('Please check:');
    expect(html).toContain('<a href="#field-sshPort">SSH port</a>: Enter at most 65535.');
    expect(html).toContain(
      '<a href="#field-options-caFile">Options CA file</a>: Please &lt;fill&gt; this in.',
    );
  });

  it('calls the times of a schedule as their fields are called', () => {
    const errors = { cronExpression: 'Must have five fields', drillCron: 'Has no run' };
    const html = String(<FormErrors form={{ ...freshForm(), errors }} />);
    expect(html).toContain('<a href="#field-cronExpression">Times</a>: Must have five fields');
    expect(html).toContain('<a href="#field-drillCron">Times of drills</a>: Has no run');
    const fields = String(<ScheduleFields form={freshForm()} zone="UTC" drillServers={null} />);
    expect(fields).toMatch(/for="field-cronExpression">\s*Times\s*</);
    expect(fields).toMatch(/for="field-drillCron">\s*Times of drills\s*</);
  });

  it('is the sentence about the whole of it, too, and nothing where all is well', () => {
    const form = { ...freshForm(), message: 'Größe 🐘 is taken.', errors: { password: 'Type it again.' } };
    const html = String(<FormErrors form={form} />);
    expect(html).toContain('Größe 🐘 is taken.');
    expect(html).toContain('<a href="#field-password">Password</a>: Type it again.');
    expect(html).not.toContain('Please check');
    expect(String(<FormErrors form={freshForm({ name: 'x' })} />)).toBe('');
  });
});

describe('help', () => {
  it('explains every state of a database, and every word for a backup', () => {
    const frame = {
      user: { email: 'a@example.com', name: null, role: 'viewer' as const, mayChange: false, isAdmin: false },
      ...{ environments: [], environment: null, counts: { databases: 0, notifications: 0 } },
      ...{ elsewhere: 0, flash: null, version: '1', here: '/help' },
    };
    const html = String(<HelpPage frame={frame} />);
    const words = [
      'read back',
      'read in full',
      'restored',
      'not readable',
      'failed',
      'cancelled',
      'interrupted',
    ];
    for (const word of [...words, 'uncertain']) expect(html).toContain(`>${word}</span>`);
    for (const state of PROTECTIONS) expect(html).toContain(state);
  });
});
