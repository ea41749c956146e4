import { Ago } from '../parts/ago.tsx';
import { type Check, Checks } from '../parts/checks.tsx';
import { CopyBlock } from '../parts/copy-block.tsx';
import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';

/** What machines see of the app: whether backups would work now, and who may read the metrics. */
export interface Watching {
  /** As `/ready` tells it. */
  readonly ready: Readonly<Record<ReadyCheck, boolean>>;
  /** METRICS_TOKEN is set. */
  readonly hasVariable: boolean;
  /** API tokens that open the metrics now, those that were read with last first. */
  readonly tokens: readonly MetricsTokenItem[];
  /** There are more of them. */
  readonly hasMore: boolean;
  /** Lines for prometheus.yml, and the file that they name for the token. */
  readonly scrapeConfig: string;
  readonly tokenFile: string;
}

export type ReadyCheck = 'database' | 'masterKey' | 'storage' | 'disk';

export interface MetricsTokenItem {
  readonly id: string;
  readonly name: string;
  readonly tokenPrefix: string;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string;
}

export function WatchingPanels({ watching }: { readonly watching: Watching }) {
  return (
    <>
      <Panel title="Ready for backups" id="ready">
        <Ready ready={watching.ready} />
      </Panel>
      <Panel title="Metrics" id="metrics">
        <MetricsAccess watching={watching} />
        <h3>In prometheus.yml</h3>
        <p>
          Put the token, and nothing else, into the file <code>{watching.tokenFile}</code>, which only
          Prometheus may read. Of several replicas, name each under <code>targets</code>.
        </p>
        <CopyBlock id="scrape-config" text={watching.scrapeConfig} label="Lines for prometheus.yml" />
        <p class="field-help">
          Beside the source, in <code>docs/observability</code>: <code>alerts.yml</code> has the rules (to be
          named under <code>rule_files</code>), <code>grafana-dashboard.json</code> is imported in Grafana,
          and <code>README.md</code> says what each metric means and what to do when an alert speaks.
        </p>
      </Panel>
    </>
  );
}

function Ready({ ready }: Pick<Watching, 'ready'>) {
  const isReady = Object.values(ready).every(Boolean);
  const checks = READY_CHECKS.map(({ check, well, ill, todo }): Check => {
    return ready[check] ? { label: well, state: 'passed' } : { label: ill, state: 'failed', detail: todo };
  });
  return (
    <>
      <p>
        <code>GET /ready</code> answers{' '}
        {isReady ? '200: nothing known keeps backups from working.' : '503: backups would fail now.'} A
        monitor sees this without a token, and no more than this.
      </p>
      <Checks label="What backups need" checks={checks} />
    </>
  );
}

const READY_CHECKS = [
  {
    check: 'database',
    well: 'Database: something can be saved',
    ill: 'Database: nothing can be saved',
    todo: 'The answer of /health and the log say why: a full or read-only disk, a lock, or a server that is gone.',
  },
  {
    check: 'masterKey',
    well: 'Master key: it opens what is sealed',
    ill: 'Master key: it does not open what is sealed',
    todo: 'No stored secret can be read. Set MASTER_KEY, or master.key in the data folder, to the key that this data was sealed with, and start again.',
  },
  {
    check: 'storage',
    well: 'Storage: no backup fails because of it',
    ill: 'Storage: it kept the last backup out',
    todo: (
      <>
        <a href="/">The overview</a> says what it answered. <a href="/admin/storage">Test the storage</a>; the
        next backup that is stored turns this green.
      </>
    ),
  },
  {
    check: 'disk',
    well: 'Disk: there is room in the data folder',
    ill: 'Disk: the data folder is nearly full',
    todo: 'Make room on the disk of DATA_DIR. When it is full, nothing can be saved and no backup begins.',
  },
] as const;

function MetricsAccess({ watching: { hasVariable, tokens, hasMore } }: { readonly watching: Watching }) {
  const make = <a href="/admin/tokens/new">an API token that may read the metrics</a>;
  if (!hasVariable && tokens.length === 0) {
    return (
      <p>
        <code>GET /metrics</code> is off: nothing opens it before it has a token of its own. Make {make}, or
        set the variable <code>METRICS_TOKEN</code> (16 to 512 letters and digits, such as{' '}
        <code>openssl rand -hex 32</code> prints) and start again.
      </p>
    );
  }
  return (
    <>
      <p>
        <code>GET /metrics</code> is on, in Prometheus’ text format.{' '}
        {hasVariable
          ? 'The variable METRICS_TOKEN opens it; when it was read with that is not recorded.'
          : 'The variable METRICS_TOKEN is not set.'}{' '}
        {tokens.length === 0 ? (
          <>There is no API token that opens it; you can make {make}.</>
        ) : (
          'These API tokens open it:'
        )}
      </p>
      {tokens.length > 0 && (
        <Table caption="Tokens that read the metrics" columns={['Name', 'Begins with', 'Last used', 'Ends']}>
          {tokens.map((token) => (
            <tr key={token.id}>
              <th scope="row">{token.name}</th>
              <td data-label="Begins with">
                <code class="token-prefix">{token.tokenPrefix}</code>
              </td>
              <td data-label="Last used">
                <Ago at={token.lastUsedAt} none="never" />
              </td>
              <td data-label="Ends">
                <Ago at={token.expiresAt} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {hasMore && (
        <p>
          <a href="/admin/tokens">All tokens</a>
        </p>
      )}
    </>
  );
}
