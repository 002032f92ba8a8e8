import { type HttpErrorResponse, type HttpRequest } from '@angular/common/http';

/** How often a request is repeated by itself, while the browser is online. */
export const RETRIES = 5;
/** The longest pause in seconds, also if the API asks for a longer one. */
export const MAX_SECONDS = 60;

// No answer, too many requests, and what a gateway or an unavailable database answers.
const TRANSIENT: ReadonlySet<number> = new Set([0, 429, 502, 503, 504]);
// Requests that are conditional: a second one finds that the first one has happened.
const CONDITIONAL: ReadonlySet<string> = new Set(['PUT', 'PATCH', 'DELETE']);

/** Whether a second try may have another answer. */
export function isTransient(error: HttpErrorResponse): boolean {
  return TRANSIENT.has(error.status);
}

/** Whether sending a request twice has the effect of sending it once (RFC 9110 section 9.2.2). */
export function isRepeatable(request: Pick<HttpRequest<unknown>, 'method' | 'headers'>): boolean {
  if (request.method === 'GET') return true;
  if (request.method === 'POST') return request.headers.has('Idempotency-Key');
  return CONDITIONAL.has(request.method) && request.headers.has('If-Match');
}

/**
 * The pause before a try in seconds: what `Retry-After` asks for, in seconds or as a date, or else
 * an exponential backoff with jitter. `attempt` counts from 1, `now` is in milliseconds.
 */
export function retrySeconds(
  attempt: number,
  retryAfter: string | null,
  now = Date.now(),
  random = Math.random,
): number {
  const asked = retryAfter === null ? NaN : secondsOf(retryAfter, now);
  const seconds = Number.isNaN(asked) ? 2 ** (attempt - 1) * (0.5 + random()) : asked;
  return Math.min(Math.max(seconds, 0), MAX_SECONDS);
}

function secondsOf(retryAfter: string, now: number): number {
  return /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - now) / 1000;
}
