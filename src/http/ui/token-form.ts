import type { FirstRequest } from '../../../views/tokens/new-token.tsx';
import { type Role, roleAtMost } from '../../auth/roles.ts';
import type { TokenAccess } from '../../tokens/acting-token.ts';
import { newToken } from '../../tokens/tokens.ts';
import { type FormBody, numberOf, textOf } from './kit/form-body.ts';

/** Before the id of an environment in the name of its box. */
const BOX = 'environment.';

/** What the form starts with: the least that is of use. */
export function freshToken(role: Role): FormBody {
  return {
    ...{ access: 'backups', where: 'some', expiresInDays: '90' },
    role: roleAtMost(role, 'operator'),
  };
}

/** A posted form of a new token, as the API would read it; only a token that is said to be for all environments is. */
export function parseToken(body: FormBody) {
  const isForAll = body['where'] === 'all';
  const ticked = Object.keys(body).filter((name) => name.startsWith(BOX) && body[name] === 'true');
  return newToken.safeParse({
    name: textOf(body, 'name') ?? '',
    role: body['role'],
    access: body['access'] ?? '',
    allEnvironments: isForAll,
    environmentIds: isForAll ? [] : ticked.map((name) => name.slice(BOX.length)),
    expiresInDays: numberOf(body, 'expiresInDays'),
  });
}

/** A command that shows what such a token opens. `environmentId` is one that it reaches; undefined where there is none yet. */
export function firstRequest(
  origin: string,
  token: { readonly access: TokenAccess; readonly environmentId: string | undefined },
): FirstRequest {
  const { access, environmentId } = token;
  const curl = (path: string) => `curl -sS -H "Authorization: Bearer $TOKEN" ${origin}${path}`;
  if (access === 'metrics') return { shows: 'metrics', command: curl('/metrics') };
  if (access === 'full' || environmentId === undefined)
    return { shows: 'itself', command: curl('/api/auth/me') };
  const path = `/api/environments/${environmentId}/databases/backup-summary`;
  return { shows: 'databases', command: curl(path) };
}
