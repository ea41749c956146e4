/** Where Prometheus keeps the token in the lines below. */
export const TOKEN_FILE = '/etc/prometheus/bridgeport.token';

/**
 * What `prometheus.yml` says to read the metrics of the app at that address: as in docs/observability, and each line a setting, so that
 * it can be put beside others.
 */
export function scrapeConfig({ protocol, host }: Pick<URL, 'protocol' | 'host'>): string {
  return [
    'scrape_configs:',
    '  - job_name: bridgeport',
    '    scrape_interval: 30s',
    `    scheme: ${protocol === 'https:' ? 'https' : 'http'}`,
    '    authorization:',
    `      credentials_file: ${TOKEN_FILE}`,
    '    static_configs:',
    `      - targets: ['${host.replaceAll("'", "''")}']`,
    '',
  ].join('\n');
}
