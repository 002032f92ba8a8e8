import {
  HttpErrorResponse,
  type HttpHandlerFn,
  type HttpInterceptorFn,
  type HttpRequest,
} from '@angular/common/http';
import { inject } from '@angular/core';
import {
  catchError,
  from,
  type MonoTypeOperatorFunction,
  type Observable,
  switchMap,
  throwError,
} from 'rxjs';

import { hasStatus } from '../api/problem';
import { CONFIG } from '../config';
import { Session } from './session';

/**
 * Sends the access token to the API. After a 401, the request is sent once more with a new token;
 * a GET is sent without one if there is none, because the API refuses an expired token also where
 * everybody is welcome.
 */
export const authInterceptor: HttpInterceptorFn = (request, next) => {
  const session = inject(Session);
  const token = session.accessToken;
  if (!token || !request.url.startsWith(`${inject(CONFIG).apiUrl}/`)) return next(request);

  const anonymously = (error: HttpErrorResponse) =>
    request.method === 'GET' ? next(request) : throwError(() => error);

  return send(request, next, token).pipe(
    ifRefused((error) => {
      // Another request may have renewed it in the meantime.
      const renewed = session.accessToken === token ? session.renew() : Promise.resolve();
      return from(renewed).pipe(
        // As if the API had not answered: the request is repeated later.
        catchError(() => throwError(() => new HttpErrorResponse({ url: request.url }))),
        switchMap(() => {
          const newToken = session.accessToken;
          if (!newToken) return anonymously(error);
          return send(request, next, newToken).pipe(
            // Not a matter of time: the API does not trust the issuer, or has blocked the person.
            ifRefused((again) => {
              session.expire();
              return anonymously(again);
            }),
          );
        }),
      );
    }),
  );
};

function send(request: HttpRequest<unknown>, next: HttpHandlerFn, token: string) {
  return next(request.clone({ setHeaders: { Authorization: `Bearer ${token}` } }));
}

function ifRefused<T>(
  otherwise: (error: HttpErrorResponse) => Observable<T>,
): MonoTypeOperatorFunction<T> {
  return catchError((error: unknown) =>
    hasStatus(error, 401) ? otherwise(error) : throwError(() => error),
  );
}
