import { provideHttpClient, withInterceptors } from '@angular/common/http';
import {
  type ApplicationConfig,
  inject,
  Injectable,
  provideAppInitializer,
  provideBrowserGlobalErrorListeners,
} from '@angular/core';
import { Title } from '@angular/platform-browser';
import {
  type NavigationError,
  provideRouter,
  type RouterStateSnapshot,
  TitleStrategy,
  withComponentInputBinding,
  withNavigationErrorHandler,
} from '@angular/router';

import { retryInterceptor } from './api/retry.interceptor';
import { authInterceptor } from './auth/auth.interceptor';
import { Session } from './auth/session';
import { type Config, CONFIG } from './config';
import { Announcer } from './layout/announcer';
import { routes } from './routes';

/** In sessionStorage: the address that was loaded again because a file was missing. */
const RELOADED = 'reloaded';

@Injectable()
class ShopTitle extends TitleStrategy {
  private readonly title = inject(Title);

  override updateTitle(state: RouterStateSnapshot): void {
    this.title.setTitle(`${this.buildTitle(state) ?? 'Shop'} · Storefront`);
  }
}

/**
 * Load the page again, once, if a file of it is gone: a tab that was opened before a deployment
 * asks for files of the build before.
 */
function reload({ url }: NavigationError): void {
  if (sessionStorage.getItem(RELOADED) !== url) {
    sessionStorage.setItem(RELOADED, url);
    location.assign(url);
    return;
  }
  sessionStorage.removeItem(RELOADED);
  inject(Announcer).alert('This page cannot be loaded. Check your connection, and try again.');
}

/** The application's services. */
export function providers(config: Config): ApplicationConfig {
  return {
    providers: [
      provideBrowserGlobalErrorListeners(),
      { provide: CONFIG, useValue: config },
      { provide: TitleStrategy, useClass: ShopTitle },
      provideHttpClient(withInterceptors([retryInterceptor, authInterceptor])),
      provideRouter(routes, withComponentInputBinding(), withNavigationErrorHandler(reload)),
      provideAppInitializer(() => inject(Session).start()),
    ],
  };
}
