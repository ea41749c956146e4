import { type Context, Hono } from 'hono';
import type { Frame } from '../../../views/frame/frame.ts';
import type { FormState } from '../../../views/parts/form-state.ts';
import { RulePage } from '../../../views/schedules/rule-page.tsx';
import {
  type CollisionItem,
  SchedulesPage,
  type SchedulesProps,
} from '../../../views/schedules/schedules.tsx';
import { hasRole } from '../../auth/roles.ts';
import { totalOf } from '../../backups/protection-states.ts';
import { engines } from '../../engines/engines.ts';
import { AppError } from '../../errors.ts';
import { newRule } from '../../schedules/fields.ts';
import { changeRule, createRule, deleteRule, listRules, type Rule } from '../../schedules/rules.ts';
import { type Scheduled, scheduledDatabases } from '../../schedules/scheduled.ts';
import { type Collision, upcomingOf } from '../../schedules/upcoming.ts';
import { weekAhead } from '../../schedules/week.ts';
import type { Services } from '../../services-port.ts';
import { readSettings } from '../../settings/settings.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, textOf } from './kit/form-body.ts';
import { frameOf, frameWithStates } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { drillServers, fillTimes, scheduleForm, scheduleInputOf, scheduleValues } from './schedule-form.ts';

const SHOWN = 25;
const DATABASES_NAMED = 5;
const ENVIRONMENTS_NAMED = 5;
const OWN_MACHINE = 'this machine';

/** Schedules: the rules, the week ahead, and what collides. */
export function scheduleRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/schedules', only('viewer'), async (c) => sendSchedules(c, services));

  ui.get('/schedules/rules/new', only('operator'), async (c) => sendRule(c, services, null));

  ui.post('/schedules/rules/new', only('operator'), async (c) => {
    if (c.req.query('do') === 'times')
      return fillTimes(c, services, (form) => sendRule(c, services, null, form, 200));
    return submit(c, services, {
      parse: (body) => newRule.safeParse(ruleInputOf(body)),
      refuse: (form) => sendRule(c, services, null, form),
      act: async (input) => {
        await createRule(services, actorOf(c, services), input);
        return { to: '/schedules', say: 'rule-saved' };
      },
    });
  });

  ui.get('/schedules/rules/:ruleId', only('operator'), async (c) =>
    sendRule(c, services, await ruleOf(services, c.req.param('ruleId'))),
  );

  ui.post('/schedules/rules/:ruleId', only('operator'), async (c) => {
    const rule = await ruleOf(services, c.req.param('ruleId'));
    if (c.req.query('do') === 'times')
      return fillTimes(c, services, (form) => sendRule(c, services, rule, form, 200));
    return submit(c, services, {
      parse: (body) => newRule.safeParse(ruleInputOf(body)),
      stored: async () => scheduleValues(rule, scopeValues(rule)),
      refuse: (form) => sendRule(c, services, rule, form),
      act: async (input) => {
        await changeRule(services, actorOf(c, services), rule.id, input);
        return { to: '/schedules', say: 'rule-saved' };
      },
    });
  });

  ui.post('/schedules/rules/:ruleId/delete', only('operator'), async (c) => {
    await deleteRule(services, actorOf(c, services), c.req.param('ruleId'));
    return goTo(c, services, '/schedules', 'rule-deleted');
  });

  return ui;
}

function ruleInputOf(body: FormBody) {
  return {
    ...scheduleInputOf(body),
    name: textOf(body, 'name') ?? '',
    environmentId: textOf(body, 'environmentId'),
    engine: textOf(body, 'engine'),
    tag: textOf(body, 'tag'),
  };
}

async function ruleOf(services: Services, id: string): Promise<Rule> {
  const rule = (await listRules(services.db)).find((one) => one.id === id);
  if (rule === undefined) throw new AppError('not_found', 'Rule not found');
  return rule;
}

const scopeValues = (rule: Rule | null) => ({
  name: rule?.name ?? '',
  environmentId: rule?.environmentId ?? '',
  engine: rule?.engine ?? '',
  tag: rule?.tag ?? '',
});

async function sendRule(
  c: Context<UiEnv>,
  services: Services,
  rule: Rule | null,
  sent?: FormState,
  status: 200 | 422 = sent === undefined ? 200 : 422,
): Promise<Response> {
  const frame = await frameOf(c, services);
  return sendPage(
    c,
    <RulePage
      frame={frame}
      rule={rule}
      form={sent ?? scheduleForm(rule, scopeValues(rule))}
      engines={engines.map(({ type, displayName }) => ({ value: type, label: displayName }))}
      zone={(await readSettings(services.db)).timezone}
      drillServers={await drillServers(services, hasRole(frame.user.role, 'admin'))}
    />,
    status,
  );
}

async function sendSchedules(c: Context<UiEnv>, services: Services): Promise<Response> {
  const { frame, states } = await frameWithStates(c, services);
  const { timezone: zone } = await readSettings(services.db);
  const scheduled = await scheduledDatabases(services.db, frame.environment?.id ?? null);
  const { upcoming, total, collisions, lookedAtUntil } = await upcomingOf(services, scheduled, {
    hours: 24,
    limit: SHOWN,
  });
  const week = await weekAhead(services, scheduled, zone);
  const crowds = together(collisions);
  return sendPage(
    c,
    <SchedulesPage
      frame={frame}
      rules={(await listRules(services.db)).map((rule) => ({ ...rule, scope: scopeOf(rule, frame) }))}
      upcoming={upcoming.map(({ rule, serverName, ...slot }) => ({
        ...slot,
        serverName: serverName ?? OWN_MACHINE,
        ruleName: rule?.name ?? null,
      }))}
      total={total}
      collisions={crowds.slice(0, SHOWN)}
      moreCollisions={Math.max(0, crowds.length - SHOWN)}
      lookedAtUntil={lookedAtUntil}
      week={week.hours}
      days={week.days}
      zone={zone}
      schedulerEnabled={services.config.schedulerEnabled}
      unscheduled={Math.max(0, totalOf(states) - scheduled.length)}
      storageOff={storageOffOf(scheduled, frame)}
    />,
  );
}

/** Those of the same databases are one line: what is too much each hour is so for one reason. */
function together(collisions: readonly Collision[]): readonly CollisionItem[] {
  const groups = Map.groupBy(collisions, ({ serverId, runs, databases }) =>
    [serverId, runs, ...databases.map(({ id }) => id).sort()].join(' '),
  );
  return [...groups.values()].flatMap(([first, ...more]) =>
    first === undefined
      ? []
      : [
          {
            ...first,
            serverName: first.serverName ?? OWN_MACHINE,
            times: 1 + more.length,
            databases: first.databases.slice(0, DATABASES_NAMED),
          },
        ],
  );
}

/** Those that are paused besides are told as paused. */
function storageOffOf(
  scheduled: readonly Scheduled[],
  { environments }: Frame,
): SchedulesProps['storageOff'] {
  const off = scheduled.filter((one) => one.held_back === 'storage_off' && one.is_paused !== 1);
  const ids = new Set(off.map((one) => one.environment_id));
  const names = environments.flatMap(({ id, name }) => (ids.has(id) ? name : []));
  const more = Math.max(0, names.length - ENVIRONMENTS_NAMED);
  return { databases: off.length, environments: names.slice(0, ENVIRONMENTS_NAMED), more };
}

function scopeOf({ environmentId, engine, tag }: Rule, { environments }: Frame): string {
  const environment = environments.find(({ id }) => id === environmentId)?.name;
  const engineName = engines.find(({ type }) => type === engine)?.displayName;
  const parts = [
    ...(environment === undefined ? [] : [environment]),
    ...(engineName === undefined ? [] : [engineName]),
    ...(tag === null ? [] : [`tag ${tag}`]),
  ];
  return parts.length === 0 ? 'all databases' : parts.join(', ');
}
