import { InjectionToken } from '@angular/core';

/** What differs between the stages that one build serves: the file `/config.json`. */
export interface Config {
  /** The URL of the API, without a slash at its end. */
  apiUrl: string;
  /** The OpenID Connect issuer, or null for an API that is open to everybody. */
  issuer: string | null;
  clientId: string;
  /** The scopes to ask for, separated by spaces. */
  scope: string;
  /** Further parameters of the authorization request, such as Auth0's `audience`. */
  parameters: Record<string, string>;
  /** Where to sign out, for an issuer whose discovery document does not say it in a usable way. */
  logoutUrl: string | null;
  /** ISO 4217. */
  currency: string;
}

export const CONFIG = new InjectionToken<Config>('config.json');

/** Read `/config.json`. */
export async function loadConfig(): Promise<Config> {
  const response = await fetch('/config.json');
  if (!response.ok) throw new Error(`/config.json: status ${response.status}`);
  return (await response.json()) as Config;
}
