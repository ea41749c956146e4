import { Badge } from '../parts/badge.tsx';

export type Severity = 'info' | 'warning' | 'critical';

const TONES = { info: 'info', warning: 'warning', critical: 'error' } as const;

export function SeverityBadge({ severity }: { readonly severity: Severity }) {
  return <Badge tone={TONES[severity]} text={severity} />;
}
