import { emailField } from '../fields.ts';
import { short } from '../short-text.ts';
import type { Claims } from './provider.ts';

/** Whom a provider has signed in. Issuer and subject alone tell who it is. */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
  /** Null where the provider tells none that is one. For people to read: it opens nothing, verified or not. */
  readonly email: string | null;
  readonly name: string | null;
}

export function personOf(claims: Claims): Person {
  const email = emailField.safeParse(textOf(claims['email']));
  const name = short(plain(textOf(claims['name'])), 100);
  return {
    issuer: claims.iss,
    subject: claims.sub,
    email: email.success ? email.data : null,
    name: name === '' ? null : name,
  };
}

/** In one line, without what no screen shows. */
export function plain(text: string): string {
  return text
    .slice(0, 2000)
    .toWellFormed()
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim();
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}
