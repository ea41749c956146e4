import { type Context, Hono } from 'hono';
import { type DrillRow, DrillsOverviewPage } from '../../../views/drills.tsx';
import type { Chip } from '../../../views/parts/chips.tsx';
import { DRILL_FAILURES } from '../../drills/failure.ts';
import {
  DRILL_STANDS,
  type DrillFilter,
  type DrillStand,
  type FoundDrilled,
  findDrilled,
  totalOf,
} from '../../drills/find-drilled.ts';
import type { Services } from '../../services-port.ts';
import { oneLine } from '../../short-text.ts';
import { drillsUnderWay } from './drills-under-way.tsx';
import { frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

const PER_PAGE = 50;
const LONGEST_SEARCH = 200;

/** What was proven to come back, of all databases or those of the environment that is chosen, and what was not. */
export function drillRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/drills', only('viewer'), async (c) => {
    const frame = await frameOf(c, services);
    const filter = filterOf(c);
    const page = pageOf(c, PER_PAGE);
    const found = await findDrilled(services, frame.environment?.id ?? null, filter, page);
    return sendPage(
      c,
      <DrillsOverviewPage
        frame={frame}
        underWay={await drillsUnderWay(c, services, null)}
        rows={found.databases.map(toRow)}
        page={{ ...page, total: found.total }}
        path={addressOf(filter)}
        chips={chipsOf(filter, found.counts)}
        search={filter.search}
        keeps={filter.stand === null ? {} : { state: filter.stand }}
        counts={found.counts}
        planned={found.planned}
      />,
    );
  });

  return ui;
}

/** What the address asks for; what makes no sense is as if it were not there. */
function filterOf(c: Context): DrillFilter {
  const { q = '', state } = c.req.query();
  return {
    search: q.slice(0, LONGEST_SEARCH),
    stand: DRILL_STANDS.find((stand) => stand === state) ?? null,
  };
}

function addressOf({ search, stand }: DrillFilter): string {
  const said = { ...(search === '' ? {} : { q: search }), ...(stand === null ? {} : { state: stand }) };
  const query = new URLSearchParams(said).toString();
  return query === '' ? '/drills' : `/drills?${query}`;
}

const CHIPS: Readonly<Record<DrillStand, string>> = {
  failed: 'Failed',
  due: 'Due',
  unproven: 'Not proven yet',
  proven: 'Proven',
};

function chipsOf(filter: DrillFilter, counts: FoundDrilled['counts']): readonly Chip[] {
  const chip = (label: string, stand: DrillStand | null, count: number) => ({
    ...{ label, count },
    href: addressOf({ ...filter, stand }),
    isChosen: filter.stand === stand,
  });
  return [
    chip('All', null, totalOf(counts)),
    ...DRILL_STANDS.map((stand) => chip(CHIPS[stand], stand, counts[stand])),
  ];
}

function toRow({ last, ...database }: FoundDrilled['databases'][number]): DrillRow {
  return {
    ...database,
    last:
      last === null
        ? null
        : {
            ...{ at: last.at, outcome: last.outcome, href: last.hasRun ? `/restores/${last.id}` : null },
            isDamaged: last.failure === 'damaged',
            cause: causeOf(last),
          },
  };
}

function causeOf({ failure, says }: { failure: keyof typeof DRILL_FAILURES | null; says: string | null }) {
  const parts = [failure === null ? '' : DRILL_FAILURES[failure], oneLine(says ?? '')];
  return parts.filter((text) => text !== '').join(': ') || null;
}
