import { type Context, Hono } from 'hono';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { DatabaseSchedulePage } from '../../../views/schedules/database-schedule.tsx';
import { hasRole } from '../../auth/roles.ts';
import { getDatabase } from '../../databases/databases.ts';
import type { ScheduleSlotRow } from '../../db/schema.ts';
import {
  getPingTarget,
  pingInput,
  removePingTarget,
  savePingTarget,
  tryPing,
} from '../../pings/ping-target.ts';
import { scheduleInput } from '../../schedules/fields.ts';
import { deleteSchedule, getSchedule, putSchedule } from '../../schedules/schedules.ts';
import { slotHistory } from '../../schedules/slots.ts';
import type { Services } from '../../services-port.ts';
import { readSettings } from '../../settings/settings.ts';
import { summaryOf } from './database-summary.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { textOf } from './kit/form-body.ts';
import { environmentFrame } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { nothingToParse, submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { drillServers, fillTimes, scheduleForm, scheduleInputOf, scheduleValues } from './schedule-form.ts';

const PER_PAGE = 30;

/** When a database is backed up by itself. */
export function databaseScheduleRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/databases/:databaseId/schedule', only('viewer'), async (c) => send(c, services));

  ui.post('/databases/:databaseId/schedule', only('operator'), async (c) => {
    const { id } = await getDatabase(services.db, c.req.param('databaseId'));
    if (c.req.query('do') === 'times')
      return fillTimes(c, services, (form) => send(c, services, { filled: form }));
    const { own } = await getSchedule(services, id);
    return submit(c, services, {
      // What the form has no field for stays.
      parse: (body) =>
        scheduleInput.safeParse({ ...scheduleInputOf(body), retentionDays: own?.retentionDays }),
      stored: async () => scheduleValues(own),
      refuse: (form) => send(c, services, { schedule: form }),
      act: async (input) => {
        await putSchedule(services, actorOf(c, services), id, input);
        return { to: `/databases/${id}/schedule`, say: 'schedule-saved' };
      },
    });
  });

  ui.post('/databases/:databaseId/schedule/delete', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    await deleteSchedule(services, actorOf(c, services), id);
    return goTo(c, services, `/databases/${id}/schedule`, 'schedule-removed');
  });

  ui.post('/databases/:databaseId/ping', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    return submit(c, services, {
      secrets: ['url'],
      asksAgain: true,
      parse: (body) =>
        pingInput.safeParse({
          url: textOf(body, 'url') ?? undefined,
          protocol: textOf(body, 'protocol') ?? undefined,
        }),
      refuse: (form) => send(c, services, { ping: form }),
      act: async (input) => {
        await savePingTarget(services, actorOf(c, services), id, input);
        return { to: `/databases/${id}/schedule`, say: 'ping-saved' };
      },
    });
  });

  ui.post('/databases/:databaseId/ping/test', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    return submit(c, services, {
      parse: nothingToParse,
      refuse: (form) => send(c, services, { ping: form }),
      async act() {
        const { isOk } = await tryPing(services, actorOf(c, services), id, c.req.raw.signal);
        return { to: `/databases/${id}/schedule`, say: isOk ? 'ping-sent' : 'ping-not-sent' };
      },
    });
  });

  ui.post('/databases/:databaseId/ping/delete', only('operator'), async (c) => {
    const id = c.req.param('databaseId');
    await removePingTarget(services, actorOf(c, services), id);
    return goTo(c, services, `/databases/${id}/schedule`, 'ping-removed');
  });

  return ui;
}

async function send(
  c: Context<UiEnv, '/databases/:databaseId/schedule'>,
  services: Services,
  /** `filled` is as it was typed, and not wrong. */
  refused: { readonly schedule?: FormState; readonly ping?: FormState; readonly filled?: FormState } = {},
): Promise<Response> {
  const database = await getDatabase(services.db, c.req.param('databaseId'));
  const { frame, environment } = await environmentFrame(c, services, database.environmentId);
  const { own, effective } = await getSchedule(services, database.id);
  const ping = await getPingTarget(services.db, database.id);
  const page = pageOf(c, PER_PAGE);
  const { slots, total } = await slotHistory(services.db, database.id, page);
  return sendPage(
    c,
    <DatabaseSchedulePage
      frame={frame}
      database={await summaryOf(services, database, environment)}
      databaseId={database.id}
      mayChange={hasRole(frame.user.role, 'operator')}
      hasOwn={own !== null}
      effective={effective}
      form={refused.schedule ?? refused.filled ?? scheduleForm(own)}
      ping={ping}
      pingForm={refused.ping ?? freshForm({ protocol: ping?.protocol ?? '' })}
      zone={(await readSettings(services.db)).timezone}
      drillServers={await drillServers(services, hasRole(frame.user.role, 'admin'))}
      schedulerEnabled={services.config.schedulerEnabled}
      lines={slots.map(toLine)}
      page={{ ...page, total }}
    />,
    refused.schedule === undefined && refused.ping === undefined ? 200 : 422,
  );
}

function toLine(row: ScheduleSlotRow) {
  const { id, slots, outcome, reason, detail, tries } = row;
  return {
    ...{ id, slots, outcome, reason, detail, tries },
    dueAt: row.due_at,
    lastDueAt: row.last_due_at,
    backupId: row.backup_id,
    retryAt: row.retry_at,
  };
}
