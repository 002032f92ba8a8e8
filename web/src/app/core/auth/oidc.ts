import {
  ErrorResponse,
  InMemoryWebStorage,
  type User,
  UserManager,
  WebStorageStateStore,
} from 'oidc-client-ts';

import type { Config } from '../config';

/** What comes back from the issuer with the browser. */
interface State {
  /** The page to return to. */
  url: string;
}

/** The end of a sign-in: the tokens, or why there are none. */
export interface SignInResult {
  url: string;
  user?: User;
  /** Undefined also if `prompt=none` found nobody signed in at the issuer. */
  reason?: string;
}

/** Sign-in and sign-out by OpenID Connect, with oidc-client-ts. Loaded when somebody signs in. */
export class Oidc {
  private readonly manager: UserManager;

  constructor(private readonly config: Config) {
    const home = `${location.origin}/`;
    this.manager = new UserManager({
      authority: config.issuer ?? '',
      client_id: config.clientId,
      redirect_uri: home,
      post_logout_redirect_uri: home,
      response_type: 'code',
      scope: config.scope,
      extraQueryParams: config.parameters,
      automaticSilentRenew: false,
      monitorSession: false,
      requestTimeoutInSeconds: 10,
      userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
      // The verifier and the page to return to, while the browser is at the issuer.
      stateStore: new WebStorageStateStore({ store: sessionStorage }),
    });
  }

  /** Leave for the issuer's page, and come back to a URL. Rejects if the issuer is not there. */
  async signIn(url: string, prompt?: 'none'): Promise<void> {
    // Two slashes at the beginning would be another host.
    const state: State = { url: url.replace(/^\/+/, '/') };
    // signinRedirect would call window.stop() if the issuer does not respond: files of the page that
    // are being loaded would fail, and the page would be loaded again.
    await this.manager.metadataService.getMetadata();
    // In place of this page in the history, which would redirect again on the way back.
    const silently = prompt && ({ prompt, redirectMethod: 'replace' } as const);
    await this.manager.signinRedirect({ state, ...silently });
    // Never resolves: the browser leaves the page.
    await new Promise(() => undefined);
  }

  /** End the sign-in whose answer is in the address. */
  async finish(): Promise<SignInResult> {
    try {
      const user = await this.manager.signinRedirectCallback();
      return { user, url: (user.state as State).url };
    } catch (error) {
      const {
        state,
        error: code,
        error_description: description,
      } = error as Partial<ErrorResponse>;
      const url = (state as State | undefined)?.url ?? '/';
      if (code === 'login_required') return { url };
      if (!code) console.error(error);
      return { url, reason: description ?? code ?? 'the sign-in did not end here. Sign in again.' };
    }
  }

  /**
   * New tokens by the refresh token, or null if the issuer gives none any more. Rejects if the
   * issuer does not answer.
   */
  async renew(user: User | null): Promise<User | null> {
    // Without a refresh token, oidc-client-ts would open a frame.
    if (!user?.refresh_token) return null;
    try {
      return await this.manager.signinSilent();
    } catch (error) {
      // The issuer's own words, such as invalid_grant (RFC 6749 section 5.2).
      if (error instanceof ErrorResponse) return null;
      throw error;
    }
  }

  /** Leave for the issuer's logout. Rejects if it has none, or is not there. */
  async signOut(user: User | null): Promise<void> {
    if (this.config.logoutUrl) {
      location.assign(this.config.logoutUrl);
      return;
    }
    await this.manager.signoutRedirect(user?.id_token ? { id_token_hint: user.id_token } : {});
  }
}
