import type { Reader } from '../../../../views/parts/reader.ts';
import type { Session } from '../../../auth/sessions.ts';

/** What the pages' middleware leaves for the handlers. */
export interface UiEnv {
  Variables: {
    /** Set on every route but the entrance. */
    readonly session: Session;
    readonly reader: Reader;
    requestId: string;
  };
}
