import { Hono } from 'hono';
import { DrillsPage } from '../../../views/database/drills-page.tsx';
import { protectionOfOne } from '../../backups/protection-of.ts';
import { restorableOfOne } from '../../backups/restorable.ts';
import { getDatabase } from '../../databases/databases.ts';
import { drillSettingsOf } from '../../drills/ask-drill.ts';
import { countDrills, drillStateOf, type ListedDrill, listDrills } from '../../drills/drills.ts';
import { DRILL_FAILURES } from '../../drills/failure.ts';
import { getSchedule } from '../../schedules/schedules.ts';
import { findServerName } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { summaryOf } from './database-summary.ts';
import { drillsUnderWay } from './drills-under-way.tsx';
import { environmentFrame } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

const PER_PAGE = 30;

/** What drills proved of a database, and when the next one is. */
export function databaseDrillRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/databases/:databaseId/drills', only('viewer'), async (c) => {
    const { db } = services;
    const database = await getDatabase(db, c.req.param('databaseId'));
    const { frame, environment } = await environmentFrame(c, services, database.environmentId);
    const page = pageOf(c, PER_PAGE);
    const drills = await listDrills(db, database.id, page);
    const { effective } = await getSchedule(services, database.id);
    const { serverId, folder } = await drillSettingsOf(db, database.id);
    const serverName = serverId === null ? undefined : await findServerName(db, serverId);
    const { lastGood } = await protectionOfOne(services, database.id);
    return sendPage(
      c,
      <DrillsPage
        frame={frame}
        database={await summaryOf(services, database, environment)}
        underWay={await drillsUnderWay(c, services, database.id)}
        restorable={(await restorableOfOne(db, database.id)).restorable}
        schedule={
          effective?.drillCron == null
            ? null
            : {
                cron: effective.drillCron,
                zone: effective.zone,
                isOn: effective.enabled && effective.pausedReason === null,
                nextAt: (await drillStateOf(db, database.id))?.run_at ?? null,
              }
        }
        serverName={serverId === null ? null : (serverName ?? 'a server that is gone')}
        folder={folder}
        newestGoodId={lastGood?.id ?? null}
        drills={drills.map(toItem)}
        page={{ ...page, total: await countDrills(db, database.id) }}
      />,
    );
  });

  return ui;
}

function toItem(row: ListedDrill) {
  const { id, backup_id, backup_at, outcome, failure, says, restore_ms, bytes, created_at, due_at } = row;
  return {
    ...{ id, outcome, says, at: due_at ?? created_at, isScheduled: due_at !== null },
    hasPage: row.restore_id !== null,
    backup: backup_id === null || backup_at === null ? null : { id: backup_id, at: backup_at },
    failure: failure === null ? null : DRILL_FAILURES[failure],
    isDamaged: failure === 'damaged',
    restoreMs: restore_ms === null ? null : Number(restore_ms),
    bytes: bytes === null ? null : Number(bytes),
  };
}
