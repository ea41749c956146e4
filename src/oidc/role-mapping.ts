import type { Role } from '../auth/roles.ts';
import { OidcFailure } from './failure.ts';

/** What the provider says of a person, made into a role. */
export interface RoleMapping {
  /** A claim's name, or a path with dots into one that holds others, such as `realm_access.roles`. */
  readonly roleClaim: string;
  readonly adminValues: readonly string[];
  readonly operatorValues: readonly string[];
  readonly viewerValues: readonly string[];
  /** What is given to people without any of these values. */
  readonly others: 'refused' | 'viewer';
}

/**
 * The highest role that a value of the claim gives; what others get where none does, null for nothing. `kept` where no value is
 * entered at all: roles are given here then. Throws `OidcFailure` where the provider left the values out since they were too many.
 */
export function roleOf(
  mapping: RoleMapping,
  claims: Readonly<Record<string, unknown>>,
): Role | 'kept' | null {
  const { adminValues, operatorValues, viewerValues } = mapping;
  if (!hasValues(mapping)) return 'kept';
  const values = valuesAt(claims, mapping.roleClaim);
  if (values === null && isLeftOut(claims, mapping.roleClaim)) {
    throw new OidcFailure(
      `The provider left the claim ${mapping.roleClaim} out, since it has more values than a token holds. Have it send only the groups that are assigned to this client, or use roles of the client.`,
    );
  }
  const has = (wanted: readonly string[]) => wanted.some((value) => values?.includes(value));
  if (has(adminValues)) return 'admin';
  if (has(operatorValues)) return 'operator';
  if (has(viewerValues)) return 'viewer';
  return mapping.others === 'viewer' ? 'viewer' : null;
}

/** Whether roles follow the provider at all. */
export function hasValues({ adminValues, operatorValues, viewerValues }: RoleMapping): boolean {
  return [adminValues, operatorValues, viewerValues].some((values) => values.length > 0);
}

/** The claim's values as text; null where there is no such claim. */
export function valuesAt(claims: Readonly<Record<string, unknown>>, path: string): readonly string[] | null {
  const found = at(claims, path);
  if (found === undefined || found === null) return null;
  return (Array.isArray(found) ? found : [found]).flatMap((value: unknown) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [String(value)]
      : [],
  );
}

/** Dots may part names, and may be in them: `https://example.com/roles` is one. The longest name that is there counts. */
function at(claims: object, path: string): unknown {
  if (Object.hasOwn(claims, path)) return Reflect.get(claims, path);
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot);
    if (!Object.hasOwn(claims, name)) continue;
    const inner: unknown = Reflect.get(claims, name);
    return typeof inner === 'object' && inner !== null ? at(inner, path.slice(dot + 1)) : undefined;
  }
  return undefined;
}

/** OpenID Connect Core 5.6.2: a claim that is to be fetched elsewhere. Microsoft Entra does so with more than 200 groups, or says `hasgroups`. */
function isLeftOut(claims: Readonly<Record<string, unknown>>, path: string): boolean {
  const said = claims['hasgroups'];
  if (path === 'groups' && (said === true || said === 'true')) return true;
  const names = claims['_claim_names'];
  return typeof names === 'object' && names !== null && Object.hasOwn(names, path);
}
