import type { KeyCopy } from '../../../views/parts/master-key-banner.tsx';
import type { Services } from '../../services-port.ts';

/** In a container the file is out of reach for who runs it, but for Docker's own copy. */
export function keyCommand({ config, isContainer }: Pick<Services, 'config' | 'isContainer'>): KeyCopy {
  const file = `${config.dataDir}/master.key`;
  return isContainer
    ? { command: `docker compose cp bridgeport:${file} .`, isCommand: true }
    : { command: file, isCommand: false };
}
