import { type Role, roleAtMost } from '../../auth/roles.ts';
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
