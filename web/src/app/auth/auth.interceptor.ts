import {
  HttpErrorResponse,
  type HttpHandlerFn,
  type HttpInterceptorFn,
  type HttpRequest,
} from '@angular/common/http';
import { inject } from '@angular/core';
import { catchError, from, switchMap, throwError } from 'rxjs';

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
  return send(request, next, token).pipe(
    catchError((error: unknown) => {
      if (!(error instanceof HttpErrorResponse) || error.status !== 401) {
        return throwError(() => error);
      }
      // Another request may have renewed it in the meantime.
      const renewed = session.accessToken === token ? session.renew() : Promise.resolve(true);
      return from(renewed).pipe(
        switchMap(() => {
          const newToken = session.accessToken;
          if (newToken) return send(request, next, newToken);
          return request.method === 'GET' ? next(request) : throwError(() => error);
        }),
      );
    }),
  );
};

function send(request: HttpRequest<unknown>, next: HttpHandlerFn, token: string) {
  return next(request.clone({ setHeaders: { Authorization: `Bearer ${token}` } }));
}
