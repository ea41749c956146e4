import type { Tone } from '../parts/notice.tsx';

export type Role = 'admin' | 'operator' | 'viewer';

export interface EnvironmentChoice {
  readonly id: string;
  readonly name: string;
}

export type Section =
  | 'databases'
  | 'servers'
  | 'environment-settings'
  | 'environments'
  | 'storage'
  | 'users'
  | 'account';

/** What every page of a signed-in user shows around its content. */
export interface Frame {
  readonly user: { readonly email: string; readonly name: string | null; readonly role: Role };
  readonly environments: readonly EnvironmentChoice[];
  /** The one that the page, or the user's last choice, is about. */
  readonly environment: EnvironmentChoice | null;
  /** True for an admin while nobody has confirmed to have copied the generated master key. */
  readonly masterKeyUnconfirmed: boolean;
  /** What the request before this one did. */
  readonly notice: { readonly tone: Tone; readonly text: string } | null;
}
