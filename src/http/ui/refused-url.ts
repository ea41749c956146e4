import type { FormState } from '../../../views/parts/form-state.ts';
import { NAME_PRIVATE_HOSTS } from '../../channels/address-guard.ts';
import { TYPE_AGAIN } from './kit/form-failure.ts';

/** What an admin may do about the URL of a form that was refused: keep it though its test failed, or name its host as a private one. */
export function refusedUrl({ errors }: FormState) {
  const why = errors['url'] ?? TYPE_AGAIN;
  const isPrivate = why.includes(NAME_PRIVATE_HOSTS);
  return { maySaveAnyway: why !== TYPE_AGAIN && !isPrivate, isPrivate };
}
