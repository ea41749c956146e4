/** OpenID Connect Core 5.1, and what Microsoft Entra has beside it: what providers let people type, or take from what they typed. */
const OF_THEIR_OWN: ReadonlySet<string> = new Set([
  ...[
    'email',
    'email_verified',
    'preferred_username',
    'username',
    'upn',
    'unique_name',
    'verified_primary_email',
  ],
  ...['name', 'given_name', 'family_name', 'middle_name', 'nickname', 'display_name', 'profile', 'picture'],
  ...[
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'phone_number',
    'phone_number_verified',
    'address',
  ],
]);

/** Why nobody’s role may go by that claim, in a sentence for its field; null where it may. */
export function unfitRoleClaim(claim: string): string | null {
  const name = claim.trim();
  if (!OF_THEIR_OWN.has(name.toLowerCase())) return null;
  return `Must be a claim that the provider’s admins fill, such as groups or roles: ${name} holds what people can choose themselves, and whoever chose an admin’s would be one.`;
}
