/** Why nothing began at a time of a schedule. */
export type WhyNot = 'running' | 'paused' | 'blackout' | 'storage_off' | 'app_down' | 'limits';

const REASONS: Readonly<Record<WhyNot, string>> = {
  running: 'The backup before it was still running.',
  paused: 'The schedule was paused',
  blackout: 'Nothing may begin on the server at that time',
  storage_off: 'Storage was not enabled for the environment.',
  app_down: 'BRIDGEPORT was not running, or too late to catch up.',
  limits: 'The backup before it was still waiting for its turn.',
};

/** In words; `detail` is whose blackout it was, or what somebody said who paused it. */
export function whyNot(reason: WhyNot, detail: string | null): string {
  return `${REASONS[reason]}${detail === null ? '' : `: ${detail}`}`;
}
