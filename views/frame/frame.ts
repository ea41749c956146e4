import type { Tone } from '../parts/notice.tsx';
import type { Section } from './navigation.ts';

export type { Section } from './navigation.ts';

export type Role = 'admin' | 'operator' | 'viewer';

export interface EnvironmentChoice {
  readonly id: string;
  readonly name: string;
}

/** What every page of a signed-in user shows around its content. */
export interface Frame {
  readonly user: { readonly email: string; readonly name: string | null; readonly role: Role };
  readonly environments: readonly EnvironmentChoice[];
  /** The one that lists are filtered by; null: all. */
  readonly environment: EnvironmentChoice | null;
  /** Bad news, by the entry of the navigation that it stands at. */
  readonly counts: Readonly<Partial<Record<Section, number>>>;
  /** Databases that are not safe, in environments that the filter hides. */
  readonly elsewhere: number;
  /** What the request before this one did. */
  readonly flash: { readonly tone: Tone; readonly text: string } | null;
  /** Of the app. */
  readonly version: string;
  /** The path to come back to from a form of the frame's own. */
  readonly here: string;
}
