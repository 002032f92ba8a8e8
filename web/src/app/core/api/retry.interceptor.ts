import { HttpErrorResponse, type HttpInterceptorFn } from '@angular/common/http';
import { inject } from '@angular/core';
import { retry, throwError } from 'rxjs';

import { Connection } from './connection';
import { isRepeatable, isTransient, RETRIES, retrySeconds } from './retry';

/** Repeats requests that had no answer or a transient one. */
export const retryInterceptor: HttpInterceptorFn = (request, next) => {
  if (!isRepeatable(request)) return next(request);
  const connection = inject(Connection);
  let attempts = 0;
  return next(request).pipe(
    retry({
      delay: (error: unknown) => {
        if (!(error instanceof HttpErrorResponse && isTransient(error))) {
          return throwError(() => error);
        }
        // As long as it takes: the person sees that the browser is offline.
        if (!navigator.onLine) return connection.wait(0, 'offline');
        attempts += 1;
        if (attempts > RETRIES) return throwError(() => error);
        const seconds = retrySeconds(attempts, error.headers.get('Retry-After'));
        return connection.wait(seconds, error.status === 0 ? 'unreachable' : 'busy');
      },
    }),
  );
};
