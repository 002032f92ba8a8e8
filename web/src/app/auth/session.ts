import { Location } from '@angular/common';
import { HttpClient } from '@angular/common/http';
import { computed, inject, Injectable, signal } from '@angular/core';
import type { User, UserManager } from 'oidc-client-ts';
import { firstValueFrom } from 'rxjs';

import type { Root } from '../api/items';
import { CONFIG } from '../config';
import { Announcer } from '../layout/announcer';

/** Who is signed in, as the API sees it. */
export interface Caller {
  /** The key of the caller's user. */
  subject: string;
  roles: readonly string[];
}

/** What comes back from the issuer with the browser. */
interface State {
  /** The page to return to. */
  url: string;
}

const STAFF = 'staff';
/** In sessionStorage while this tab is signed in. It is no secret: the tokens are in memory alone. */
const SIGNED_IN = 'signed-in';

/**
 * Signing in and out, by the authorization code flow with PKCE (RFC 7636).
 *
 * Tokens are in memory, so that a reload loses them: the issuer is then asked again, without a
 * question to the person (`prompt=none`). oidc-client-ts is loaded when somebody signs in.
 */
@Injectable({ providedIn: 'root' })
export class Session {
  private readonly config = inject(CONFIG);
  private readonly http = inject(HttpClient);
  private readonly location = inject(Location);
  private readonly announcer = inject(Announcer);

  private readonly user = signal<User | null>(null);
  private manager: Promise<UserManager> | undefined;
  private renewal: Promise<boolean> | undefined;
  private loaded: Promise<void> = Promise.resolve();

  readonly caller = signal<Caller | null>(null);
  /** Whether the session has ended by itself. */
  readonly hasLapsed = signal(false);
  /** Whether people can sign in: not where the API is open to everybody. */
  readonly canSignIn = this.config.issuer !== null;
  readonly isSignedIn = computed(() => this.caller() !== null);
  readonly isStaff = computed(() => this.caller()?.roles.includes(STAFF) ?? false);
  /** The person's name, if the issuer says it. */
  readonly name = computed(() => this.user()?.profile.name);

  /** The access token of the API's requests. */
  get accessToken(): string | undefined {
    return this.user()?.access_token;
  }

  /** The caller, once it is known. */
  async whenKnown(): Promise<Caller | null> {
    await this.loaded;
    return this.caller();
  }

  /** Before the first page: end a sign-in, or renew the one that a reload has lost. */
  async start(): Promise<void> {
    const answer = new URLSearchParams(location.search);
    if (this.canSignIn && answer.has('state') && (answer.has('code') || answer.has('error'))) {
      await this.finish();
    } else if (this.canSignIn && sessionStorage.getItem(SIGNED_IN)) {
      // An issuer that shows a page all the same must not get the browser back again and again.
      sessionStorage.removeItem(SIGNED_IN);
      await this.redirect(this.location.path(true), 'none');
    }
    if (this.user() || !this.canSignIn) this.loaded = this.loadCaller();
  }

  /** Leave for the issuer's page, and come back to this one. */
  async signIn(): Promise<void> {
    await this.redirect(this.location.path(true));
  }

  /** Forget the tokens and every draft, and leave for the issuer's logout. */
  async signOut(): Promise<void> {
    sessionStorage.clear();
    const manager = await this.load();
    const { id_token } = this.user() ?? {};
    this.user.set(null);
    this.caller.set(null);
    if (this.config.logoutUrl) {
      location.assign(this.config.logoutUrl);
      return;
    }
    try {
      await manager.signoutRedirect(id_token ? { id_token_hint: id_token } : {});
    } catch {
      // An issuer without a logout: the tokens are gone from here.
      location.assign('/');
    }
  }

  /** A new access token by the refresh token. Requests that need one at the same time share it. */
  renew(): Promise<boolean> {
    this.renewal ??= this.refresh().finally(() => {
      this.renewal = undefined;
    });
    return this.renewal;
  }

  private async refresh(): Promise<boolean> {
    try {
      const user = this.user();
      // Without a refresh token, oidc-client-ts would open a frame.
      if (!user?.refresh_token) throw new Error('There is no refresh token.');
      const manager = await this.load();
      this.user.set(await manager.signinSilent());
      return this.user() !== null;
    } catch {
      this.lapse();
      return false;
    }
  }

  private lapse(): void {
    this.user.set(null);
    this.caller.set(null);
    this.hasLapsed.set(true);
    sessionStorage.removeItem(SIGNED_IN);
  }

  private async finish(): Promise<void> {
    const manager = await this.load();
    let url: string;
    try {
      const user = await manager.signinRedirectCallback();
      url = (user.state as State).url;
      this.user.set(user);
      sessionStorage.setItem(SIGNED_IN, 'yes');
    } catch (error) {
      sessionStorage.removeItem(SIGNED_IN);
      const { state, error: code, error_description: reason } = error as SignInError;
      url = state?.url ?? '/';
      // `prompt=none` has found nobody: the person is signed out, as after any other visit.
      if (code !== 'login_required') {
        this.announcer.alert(`You are not signed in: ${reason ?? code ?? String(error)}`);
      }
    }
    // Without the code in the address, which is valid once.
    history.replaceState(null, '', url);
  }

  private async loadCaller(): Promise<void> {
    const root = await firstValueFrom(this.http.get<Root>(`${this.config.apiUrl}/`)).catch(
      () => undefined,
    );
    this.caller.set(root?.caller ?? null);
  }

  private async redirect(url: string, prompt?: 'none'): Promise<void> {
    // Two slashes at the beginning would be another host.
    const state: State = { url: url.replace(/^\/+/, '/') };
    try {
      const manager = await this.load();
      // In place of this page in the history, which would redirect again on the way back.
      await manager.signinRedirect({ state, ...(prompt && { prompt, redirectMethod: 'replace' }) });
      // Until the browser has left.
      await new Promise(() => undefined);
    } catch {
      this.announcer.alert('The sign-in cannot be reached. Try again in a moment.');
    }
  }

  private load(): Promise<UserManager> {
    this.manager ??= import('./user-manager').then((file) => file.createUserManager(this.config));
    // Without a connection the file cannot be loaded: the next time it is tried again.
    this.manager.catch(() => {
      this.manager = undefined;
    });
    return this.manager;
  }
}

interface SignInError {
  state?: State;
  error?: string;
  error_description?: string | null;
}
