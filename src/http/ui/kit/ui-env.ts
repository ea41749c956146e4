import type { Reader } from '../../../../views/parts/reader.ts';
import type { Session } from '../../../auth/sessions.ts';
import type { Services } from '../../../services-port.ts';

/** What sending a page takes. */
export type Sending = Pick<Services, 'assets' | 'gzip'>;

/** What the pages' middleware leaves for the handlers. */
export interface UiEnv {
  Variables: {
    /** Set on every route but the entrance. */
    session: Session;
    readonly reader: Reader;
    readonly sending: Sending;
    requestId: string;
  };
}
