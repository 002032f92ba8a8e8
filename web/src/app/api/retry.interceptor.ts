import { HttpErrorResponse, type HttpEvent, type HttpInterceptorFn } from '@angular/common/http';
import { inject } from '@angular/core';
import { catchError, type Observable, switchMap, throwError } from 'rxjs';

import { Connection } from './connection';
import { isRepeatable, isTransient, RETRIES, retrySeconds } from './retry';

/** Repeats requests that had no answer or a transient one. */
export const retryInterceptor: HttpInterceptorFn = (request, next) => {
  if (!isRepeatable(request)) return next(request);
  const connection = inject(Connection);
  let attempts = 0;

  function pause(error: HttpErrorResponse): Observable<void> {
    // As long as it takes: the person sees that the browser is offline.
    if (!navigator.onLine) return connection.wait(0, 'offline');
    attempts += 1;
    if (attempts > RETRIES) return throwError(() => error);
    const seconds = retrySeconds(attempts, error.headers.get('Retry-After'));
    return connection.wait(seconds, error.status === 0 ? 'unreachable' : 'busy');
  }

  // Not with rxjs's retry, which brings a scheduler of timers.
  function send(): Observable<HttpEvent<unknown>> {
    return next(request).pipe(
      catchError((error: unknown) =>
        error instanceof HttpErrorResponse && isTransient(error)
          ? pause(error).pipe(switchMap(send))
          : throwError(() => error),
      ),
    );
  }

  return send();
};
