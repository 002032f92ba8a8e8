import { Location } from '@angular/common';
import { HttpClient } from '@angular/common/http';
import { computed, inject, Injectable, signal } from '@angular/core';
import type { User } from 'oidc-client-ts';
import { firstValueFrom } from 'rxjs';

import type { Root } from '../api/items';
import { CONFIG } from '../config';
import { Announcer } from '../announcer';
import type { Oidc } from './oidc';

/** Who is signed in, as the API sees it. */
export interface Caller {
  /** The key of the caller's user. */
  subject: string;
  roles: readonly string[];
}

const STAFF = 'staff';
/** In localStorage while a person is signed in. It is no secret: the tokens are in memory alone. */
const SIGNED_IN = 'signed-in';
/** In sessionStorage: the issuer's subject of the person who signed in last in this tab. */
const SUBJECT = 'subject';

/**
 * Signing in and out, by the authorization code flow with PKCE (RFC 7636).
 *
 * Tokens are in memory, so that a reload loses them and a new tab has none: the issuer is then asked
 * again, without a question to the person (`prompt=none`).
 */
@Injectable({ providedIn: 'root' })
export class Session {
  private readonly config = inject(CONFIG);
  private readonly http = inject(HttpClient);
  private readonly location = inject(Location);
  private readonly announcer = inject(Announcer);

  private readonly user = signal<User | null>(null);
  private oidc: Promise<Oidc> | undefined;
  private renewal: Promise<void> | undefined;
  private loaded: Promise<void> = Promise.resolve();
  private readonly tabs = new BroadcastChannel('session');

  readonly caller = signal<Caller | null>(null);
  /** Of the person whom this page knows, also after the session has expired; or nothing. */
  subject = '';
  /** Whether the browser is on its way to the issuer's logout. */
  readonly isLeaving = signal(false);
  /** Whether the session has ended by itself. */
  readonly hasExpired = signal(false);
  /** False where the API is open to everybody. */
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

  /** Before the first page: end a sign-in, or renew the one that this tab does not have. */
  async start(): Promise<void> {
    // The person has signed out in another tab.
    this.tabs.onmessage = () => {
      // Also here: what another tab has removed may still be there for a moment.
      localStorage.removeItem(SIGNED_IN);
      if (!this.subject) return;
      sessionStorage.clear();
      location.assign('/');
    };
    const answer = new URLSearchParams(location.search);
    if (this.canSignIn && answer.has('state') && (answer.has('code') || answer.has('error'))) {
      await this.finish();
    } else if (this.canSignIn && localStorage.getItem(SIGNED_IN)) {
      // Prevents a redirect loop with an issuer that ignores `prompt=none`.
      localStorage.removeItem(SIGNED_IN);
      await this.redirect('none');
    }
    if (this.user() || !this.canSignIn) this.loaded = this.loadCaller();
  }

  /** Leave for the issuer's page, and come back to this one. */
  signIn(): Promise<void> {
    return this.redirect();
  }

  /** Forget the tokens and every draft, and leave for the issuer's logout. */
  async signOut(): Promise<void> {
    const user = this.user();
    this.isLeaving.set(true);
    this.user.set(null);
    this.caller.set(null);
    localStorage.removeItem(SIGNED_IN);
    sessionStorage.clear();
    this.tabs.postMessage('signed out');
    try {
      await (await this.load()).signOut(user);
    } catch {
      // Without a connection, or an issuer without a logout: the tokens are gone from here.
      location.assign('/');
    }
  }

  /**
   * Get a new access token by the refresh token, or end the session. Requests that need one at the
   * same time share it. Rejects if the issuer does not answer.
   */
  renew(): Promise<void> {
    this.renewal ??= this.refresh().finally(() => {
      this.renewal = undefined;
    });
    return this.renewal;
  }

  /** End the session, because the issuer or the API accepts its tokens no more. */
  expire(): void {
    this.user.set(null);
    this.caller.set(null);
    this.hasExpired.set(true);
    localStorage.removeItem(SIGNED_IN);
  }

  private async refresh(): Promise<void> {
    const oidc = await this.load();
    const user = await oidc.renew(this.user());
    if (user) this.user.set(user);
    else this.expire();
  }

  private async finish(): Promise<void> {
    const { url, user, reason } = await (await this.load()).finish();
    if (user) {
      this.user.set(user);
      const { sub, name } = user.profile;
      if ((sessionStorage.getItem(SUBJECT) ?? sub) !== sub) {
        this.announcer.alert(`Somebody else has signed in: you are ${name ?? sub} now.`);
      }
      sessionStorage.setItem(SUBJECT, sub);
      localStorage.setItem(SIGNED_IN, 'yes');
    }
    if (reason) this.announcer.alert(`You are not signed in: ${reason}`);
    // Without the code in the address, which is valid once.
    history.replaceState(null, '', url);
  }

  private async loadCaller(): Promise<void> {
    const root = await firstValueFrom(this.http.get<Root>(`${this.config.apiUrl}/`)).catch(
      () => undefined,
    );
    this.caller.set(root?.caller ?? null);
    this.subject = root?.caller?.subject ?? '';
    if (!root) this.announcer.alert('The shop cannot say who you are. Reload the page.');
  }

  private async redirect(prompt?: 'none'): Promise<void> {
    try {
      await (await this.load()).signIn(this.location.path(true), prompt);
    } catch {
      this.announcer.alert('The sign-in page does not respond. Try again in a moment.');
    }
  }

  private load(): Promise<Oidc> {
    this.oidc ??= import('./oidc').then((file) => new file.Oidc(this.config));
    // Without a connection the file cannot be loaded: the next time it is tried again.
    this.oidc.catch(() => {
      this.oidc = undefined;
    });
    return this.oidc;
  }
}
