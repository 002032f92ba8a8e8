import { provideHttpClient, withInterceptors } from '@angular/common/http';
import { type ApplicationConfig, inject, Injectable, provideAppInitializer } from '@angular/core';
import { Title } from '@angular/platform-browser';
import {
  provideRouter,
  type RouterStateSnapshot,
  TitleStrategy,
  withComponentInputBinding,
  withNavigationErrorHandler,
} from '@angular/router';

import { retryInterceptor } from './core/api/retry.interceptor';
import { authInterceptor } from './core/auth/auth.interceptor';
import { Session } from './core/auth/session';
import { type Config, CONFIG } from './core/config';
import { Announcer } from './core/announcer';
import { reload } from './core/reload';
import { routes } from './routes';

@Injectable()
class ShopTitle extends TitleStrategy {
  private readonly title = inject(Title);

  override updateTitle(state: RouterStateSnapshot): void {
    this.title.setTitle(`${this.buildTitle(state) ?? 'Shop'} · Storefront`);
  }
}

/** The application's services. */
export function providers(config: Config): ApplicationConfig {
  return {
    providers: [
      { provide: CONFIG, useValue: config },
      { provide: TitleStrategy, useClass: ShopTitle },
      provideHttpClient(withInterceptors([retryInterceptor, authInterceptor])),
      provideRouter(
        routes,
        withComponentInputBinding(),
        withNavigationErrorHandler(({ url }) => {
          reload(url, inject(Announcer));
        }),
      ),
      provideAppInitializer(() => inject(Session).start()),
    ],
  };
}
