import type { Role } from '../frame/frame.ts';
import { Ago, Day } from '../parts/ago.tsx';
import { Badge } from '../parts/badge.tsx';
import { AskLink, type Question } from '../parts/dialog.tsx';
import { useReader } from '../parts/reader.ts';
import { ACTIONS, Table } from '../parts/table.tsx';
import { withQuery } from '../parts/with-query.ts';

export interface TokenItem {
  readonly id: string;
  readonly name: string;
  readonly tokenPrefix: string;
  readonly role: Role;
  readonly access: 'full' | 'backups' | 'metrics';
  readonly allEnvironments: boolean;
  readonly environments: readonly { readonly environment: { readonly name: string } }[];
  readonly lastUsedAt: string | null;
  readonly expiresAt: string;
  readonly user: { readonly email: string } | null;
  readonly serviceAccount: { readonly name: string; readonly disabled: boolean } | null;
}

/** Tokens, each with a link that asks whether to revoke it: to `path` with the question in it. */
export function TokenTable(props: {
  readonly tokens: readonly TokenItem[];
  readonly path: string;
  readonly hasOwners?: boolean;
}) {
  const { tokens, path, hasOwners = false } = props;
  const columns = [
    ...['Name', ...(hasOwners ? ['Owner'] : []), 'May', 'Where', 'Last used', 'Ends', ACTIONS],
  ];
  return (
    <Table caption="API tokens" columns={columns}>
      {tokens.map((token) => (
        <tr key={token.id}>
          <th scope="row">
            {token.name}
            <br />
            <code class="token-prefix">{token.tokenPrefix}…</code>
          </th>
          {hasOwners && (
            <td data-label="Owner" class="words">
              <Owner token={token} />
            </td>
          )}
          <td data-label="May" class="words">
            {mayWords(token)}
          </td>
          <td data-label="Where" class="words">
            {whereWords(token)}
          </td>
          <td data-label="Last used">
            <Ago at={token.lastUsedAt} none="never" />
          </td>
          <td data-label="Ends">
            <End at={token.expiresAt} />
          </td>
          <td>
            <AskLink
              href={withQuery(path, 'revoke', token.id)}
              label="Revoke"
              accessibleLabel={`Revoke ${token.name}`}
            />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Owner({ token: { user, serviceAccount } }: { readonly token: TokenItem }) {
  if (serviceAccount === null) return <span>{user?.email ?? '–'}</span>;
  return (
    <span>
      {serviceAccount.name} {serviceAccount.disabled && <Badge tone="warning" text="disabled" />}
    </span>
  );
}

function End({ at }: { readonly at: string }) {
  const now = useReader()?.now;
  if (now !== undefined && Date.parse(at) <= now.getTime()) return <Badge tone="neutral" text="ended" />;
  return <Day at={at} />;
}

function mayWords({ access, role }: TokenItem): string {
  if (access === 'metrics') return 'read the metrics';
  if (access === 'full') return `all that ${role === 'viewer' ? 'a' : 'an'} ${role} may`;
  return role === 'viewer' ? 'see backups' : 'back up';
}

function whereWords({ allEnvironments, environments }: TokenItem): string {
  if (allEnvironments) return 'all environments';
  if (environments.length === 0) return 'nowhere: its environments are gone';
  return environments.map(({ environment }) => environment.name).join(', ');
}

/** Whether to revoke a token. `back` is the page without the question. */
export function questionOfToken(token: TokenItem, action: string, back: string): Question {
  return {
    title: `Revoke ${token.name}?`,
    action,
    submit: 'Revoke token',
    back,
    children: (
      <p>
        Whatever signs in with <code>{token.tokenPrefix}…</code> is refused from then on. A revoked token
        can’t be brought back.
      </p>
    ),
  };
}
