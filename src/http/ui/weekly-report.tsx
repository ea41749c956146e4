import { Hono } from 'hono';
import { ReportPage } from '../../../views/notifications/report-page.tsx';
import { mailReportTo } from '../../notifications/mail-report.ts';
import { listPreferences } from '../../notifications/preferences.ts';
import { readSmtp } from '../../notifications/smtp-settings.ts';
import { lastReport } from '../../reports/send-weekly.ts';
import { makeWeeklyReport } from '../../reports/weekly-report.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

const PAGE = '/notifications/report';
const SAYS = {
  queued: 'report-queued',
  'on-its-way': 'report-on-its-way',
  'no-server': 'report-no-server',
} as const;

/** The weekly report as it would be sent now, and by mail on demand. */
export function weeklyReportRoutes(services: Services): Hono<UiEnv> {
  const { db } = services;
  const ui = new Hono<UiEnv>();
  const make = async () => makeWeeklyReport(services, await lastReport(db));

  ui.get(PAGE, only('viewer'), async (c) => {
    const { user } = c.get('session');
    const { report } = await make();
    const preferences = await listPreferences(db, user);
    const own = preferences.find(({ type }) => type.id === 'system.weekly_report');
    return sendPage(
      c,
      <ReportPage
        frame={await frameOf(c, services)}
        report={report}
        isMailed={own?.type.enabled === true && own.emailEnabled}
        hasServer={(await readSmtp(db)) !== null}
      />,
    );
  });

  ui.post(`${PAGE}/send`, only('viewer'), async (c) => {
    actorOf(c, services);
    const { report } = await make();
    const became = await mailReportTo(services, c.get('session').user, report);
    return goTo(c, services, PAGE, SAYS[became]);
  });

  return ui;
}
